using PolicyService.Core.Attestations;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>An attestation that somebody wants to know about before it is stored.</summary>
/// <param name="Note">The note it would hang on.</param>
/// <param name="Attestations">What it signs and with which keys; several where it carries JWTs.</param>
/// <param name="Resource">The resource as it was written, without scheme.</param>
internal sealed record ValidateRequest(NoteName Note, IReadOnlyList<Attestation> Attestations, string Resource)
{
    /// <summary>Reads the body of <c>:validateAttestationOccurrence</c>.</summary>
    /// <returns>Null, with every problem in the body, if it is not usable.</returns>
    public static ValidateRequest? Read(RestBody body)
    {
        const string Note = "occurrenceNote";
        const string Resource = "occurrenceResourceUri";
        var reader = new MappingReader(body.Root, body.Problems);
        var note = reader.Required<NoteName>(Note, ParseNote, "write projects/<project>/notes/<note>");
        var resource = reader.Required<string>(Resource, ValueParsers.Text, "write https://<registry>/<repository>@sha256:<digest>");
        var attestation = reader.Take("attestation");
        reader.End();
        if (attestation is null)
        {
            body.Problems.Missing(body.Root.Mark, "attestation", "write {serializedPayload, signatures}");
        }

        if (body.Problems.HasErrors)
        {
            return null;
        }

        // The same reader as that of stored occurrences: what it takes here counts there.
        var occurrence = new MappingNode(
            [Entry("noteName", body.Find(Note)!), Entry("resourceUri", body.Find(Resource)!), Entry("attestation", attestation!)], body.Root.Mark);
        return OccurrenceParser.Parse([occurrence], body.Problems) is { } attestations && !body.Problems.HasErrors
            ? new ValidateRequest(note, attestations, Storage.OccurrenceJson.WithoutScheme(resource!))
            : null;

        static MappingEntry Entry(string name, DocumentNode value) => new(name, value.Mark, value);
    }

    private static bool ParseNote(string text, out NoteName note, out string problem)
    {
        problem = "write projects/<project>/notes/<note>";
        return NoteName.TryParse(text, out note);
    }
}

/// <summary>Whether an attestation would satisfy its attestor; the names are those of the API.</summary>
internal sealed record ValidateReply(string Result, string? DenialReason)
{
    public static ValidateReply Verified { get; } = new("VERIFIED", null);

    public static ValidateReply NotVerifiable(string reason) => new("ATTESTATION_NOT_VERIFIABLE", reason);
}
