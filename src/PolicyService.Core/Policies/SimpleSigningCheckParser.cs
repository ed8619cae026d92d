using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Reads a <c>simpleSigningAttestationCheck</c> (GCLOUD_REST section 9). Keys are imported here, once; an unusable key spoils only itself.</summary>
internal static class SimpleSigningCheckParser
{
    private const string ProjectsField = "containerAnalysisAttestationProjects";
    private const string AuthenticatorsField = "attestationAuthenticators";

    public static SimpleSigningCheck Parse(MappingReader reader, string displayName, NamePatternSet allowlist)
    {
        var projects = reader.Values<string>(ProjectsField, ParseProject);
        var authenticators = reader.Mappings(AuthenticatorsField, ParseAuthenticator);
        reader.End();
        if (projects.Count > SimpleSigningCheck.MaxProjects)
        {
            reader.Problems.Error(reader.MarkOf(ProjectsField), $"{ProjectsField} names {projects.Count} projects, more than {SimpleSigningCheck.MaxProjects}", "name fewer");
        }

        if (!reader.Node.Entries.Any(entry => entry.Key == AuthenticatorsField && entry.Value is SequenceNode { Items.Count: > 0 }))
        {
            reader.Problems.Missing(reader.Node.Mark, AuthenticatorsField, "write at least one authenticator with the keys that count");
        }

        return new SimpleSigningCheck(displayName, allowlist, [.. projects.Distinct(StringComparer.Ordinal)], authenticators);
    }

    private static Authenticator? ParseAuthenticator(MappingReader reader)
    {
        var before = reader.Problems.ErrorCount;
        var displayName = reader.Text("displayName") ?? "";
        IReadOnlyList<AttestorKey> keys = [];
        if (reader.Mapping("pkixPublicKeySet") is { } set)
        {
            keys = set.Mappings("pkixPublicKeys", ParseKey);
            set.End();
            foreach (var repeated in keys.GroupBy(key => key.Id).Where(group => group.Count() > 1))
            {
                // Which of the two would verify must not depend on their order.
                reader.Problems.Error(set.MarkOf("pkixPublicKeys"), $"the key id `{Shown.Value(repeated.Key.ToString())}` stands twice", "keep one key under each id");
            }
        }

        return reader.Problems.ErrorCount > before ? null : new Authenticator(displayName, keys);
    }

    private static AttestorKey? ParseKey(MappingReader reader)
    {
        var before = reader.Problems.ErrorCount;
        var pem = reader.Required<string>("publicKeyPem", ValueParsers.Text, "write the PEM block of the public key");
        var algorithm = reader.Required<SignatureAlgorithm>("signatureAlgorithm", AttestorParser.ParseAlgorithm, "write the algorithm the key signs with");
        var id = reader.Value<KeyId>("keyId", AttestorParser.ParseKeyId);
        if (reader.Problems.ErrorCount > before)
        {
            return null;
        }

        if (PublicKey.TryReadPem(pem, algorithm, out var key, out var problem))
        {
            return new AttestorKey(id == default ? key.DefaultId : id, key, null);
        }

        reader.Problems.Unusable(reader.Node.Mark, $"the key {(id == default ? "" : $"`{Shown.Value(id.ToString())}` ")}is unusable: {problem}", "replace the key; until then it verifies nothing");
        return new AttestorKey(id == default ? KeyId.OfSubjectPublicKeyInfo(System.Text.Encoding.UTF8.GetBytes($"unusable:{reader.Node.Mark}")) : id, null, problem);
    }

    private static bool ParseProject(string text, out string project, out string problem)
    {
        problem = "write projects/<project>";
        var valid = text.Split('/') is ["projects", var id] && ResourceNames.IsProject(id);
        project = valid ? text["projects/".Length..] : "";
        return valid;
    }
}
