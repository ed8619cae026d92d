namespace PolicyService.Core.Documents.Schemas;

/// <summary>The schemas of all documents, as committed under <c>deploy/schemas</c>.</summary>
internal static class DocumentSchemas
{
    public static IReadOnlyList<DocumentSchema> All { get; } =
    [
        PolicySchemas.Policy,
        PolicySchemas.SystemPolicy,
        AttestorSchemas.Attestor,
        AttestorSchemas.Attestations,
        PlatformPolicySchemas.PlatformPolicy,
        PlatformPolicySchemas.Clusters,
        OptionsSchemas.Options,
    ];
}
