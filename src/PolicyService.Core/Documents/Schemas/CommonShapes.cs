using PolicyService.Core.Attestors;

namespace PolicyService.Core.Documents.Schemas;

/// <summary>
/// Values that several documents share. Regular expressions keep to what JavaScript and .NET read alike; where a parser's grammar is no
/// regular one, the pattern is the wider.
/// </summary>
internal static class CommonShapes
{
    private const string Id = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,255}";
    public const string ProjectId = $"{Id}(:{Id})?";
    private const string LabelText = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
    private const string Subdomain = $@"{LabelText}(\.{LabelText})*";
    private const string Sha256 = "sha256:[0-9a-f]{64}";

    public const string AttestorNamePattern = $"^projects/{ProjectId}/attestors/{Id}$";
    public const string ClusterPattern = $@"^{LabelText}\.{LabelText}$";
    public const string NamespacePattern = $"^{LabelText}$";
    public const string ServiceAccountPattern = $"^{LabelText}:{Subdomain}$";
    public const string IstioIdentityPattern = $"^(spiffe://)?{Subdomain}/ns/{LabelText}/sa/{Subdomain}$";
    public const string KmsKeyPattern = KmsKeyName.Pattern;
    public const string KeyIdPattern = @"^[A-Za-z0-9._~!$&'()*+,;=:@/?#%\[\]-]{1,1024}$";

    public static TextShape Text { get; } = new();

    public static TextShape Project { get; } = new($"^{ProjectId}$");

    public static TextShape PolicyName { get; } = new($"^projects/{ProjectId}/policy$");

    public static TextShape AttestorName { get; } = new(AttestorNamePattern);

    public static TextShape NoteName { get; } = new($"^projects/{ProjectId}/notes/{Id}$");

    public static TextShape PlatformPolicyName { get; } = new($"^projects/{ProjectId}/platforms/(gke|cloudRun)/policies/{Id}$");

    public static TextShape Digest { get; } = new($"^{Sha256}$");

    public static TextShape Namespace { get; } = new(NamespacePattern);

    public static TextShape ServiceAccount { get; } = new(ServiceAccountPattern);

    public static TextShape KeyIdText { get; } = new(KeyIdPattern);

    public static TextShape NamePattern { get; } = new(@"^([^\s*]+|[^\s*/]+/[^\s*]*\*{1,2})$", Limits.LongStringBytes);

    public static TextShape DirectoryPattern { get; } =
        new(@"^(\*[.-])?[^\s*/.]+(\.[^\s*/.]+)+(/[^*/]+)*(/\*{1,2})?$", Limits.LongStringBytes);

    public static TextShape Duration { get; } = new("^([0-9]+[hms])+$");

    public static TextShape Bytes { get; } = new(@"^[A-Za-z0-9+/_\s-]*=*\s*$");

    public static TextShape Resource { get; } = new($"^(https?://)?([^@]+@)?{Sha256}$");

    public static BooleanShape TrueOrFalse { get; } = new();

    public static TimeShape Time { get; } = new();

    /// <summary>A list of <c>{namePattern: …}</c>, as Google's older documents write an allowlist.</summary>
    public static ListShape NamePatterns(string name) => new(new MappingShape(
        name,
        new FieldShape(
            "namePattern",
            NamePattern,
            "An image reference; a last `*` stands for anything but `/`, a last `**` for anything. The registry is written in full.",
            "registry.example.com/acme/*",
            "registry.example.com/base@sha256:1111111111111111111111111111111111111111111111111111111111111111")
        { Required = true }));

    /// <summary>A field that the service reads and passes over.</summary>
    public static FieldShape PassedOver(string name, string description) => new(name, Text, description);
}
