using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Core.Attestors;

/// <summary>
/// Reads an <c>Attestor</c> document as <c>attestors describe</c> prints it, in the shapes of v1 and v1beta1. Keys are imported here,
/// once; an unusable key spoils only itself.
/// </summary>
public static class AttestorParser
{
    public static Attestor? Parse(DocumentNode? node, ProblemList problems)
    {
        if (MappingReader.Of(node, "the attestor", problems) is not { } reader)
        {
            return null;
        }

        var name = reader.Required<AttestorName>("name", AttestorName.Parse, "write name: projects/<project>/attestors/<attestor>");
        PolicyParser.PassOver(reader, "description", "updateTime", "etag");
        var attestor = ParseNote(reader, name);
        reader.End();
        return problems.HasErrors ? null : attestor;
    }

    private static Attestor? ParseNote(MappingReader reader, AttestorName name)
    {
        // v1 says Grafeas where v1beta1 said Drydock; the content is the same.
        var v1 = reader.Mapping("userOwnedGrafeasNote");
        var beta = reader.Mapping("userOwnedDrydockNote");
        if ((v1 ?? beta) is not { } owned || (v1 is not null && beta is not null))
        {
            reader.Problems.Error(reader.Node.Mark, "an attestor has exactly one note", "write userOwnedGrafeasNote: {noteReference: projects/<project>/notes/<note>}");
            return null;
        }

        var note = owned.Required<NoteName>("noteReference", NoteName.Parse, "write noteReference: projects/<project>/notes/<note>");
        PolicyParser.PassOver(owned, "delegationServiceAccountEmail");
        var keys = owned.Mappings("publicKeys", ParseKey);
        owned.End();
        foreach (var repeated in keys.GroupBy(key => key.Id).Where(group => group.Count() > 1))
        {
            // Which of the two would verify must not depend on their order.
            reader.Problems.Error(owned.MarkOf("publicKeys"), $"the key id `{Shown.Value(repeated.Key.ToString())}` stands twice", "keep one key under each id");
        }

        return reader.Problems.HasErrors ? null : new Attestor(name, note, keys);
    }

    private static AttestorKey? ParseKey(MappingReader reader)
    {
        var before = reader.Problems.ErrorCount;
        PolicyParser.PassOver(reader, "comment");
        var given = reader.Value<KeyId>("id", ParseKeyId);
        var hasId = reader.Node.Entries.Any(entry => entry.Key == "id" && !entry.Value.IsNull);
        var pgp = reader.Text("asciiArmoredPgpPublicKey");
        var pkix = reader.Mapping("pkixPublicKey");
        var pem = pkix?.Text("publicKeyPem");
        var algorithm = pkix?.Value<SignatureAlgorithm>("signatureAlgorithm", ParseAlgorithm) ?? SignatureAlgorithm.Unspecified;
        // v1 writes the id inside the PKIX key too; which of two ids counts must not be left open.
        var inner = pkix?.Value<KeyId>("keyId", ParseKeyId) ?? default;
        pkix?.End();
        if (hasId && inner != default && inner != given)
        {
            reader.Problems.Error(pkix!.MarkOf("keyId"), "`keyId` differs from the key's `id`", "write one id");
        }

        (given, hasId) = hasId ? (given, true) : (inner, inner != default);
        if (reader.Problems.ErrorCount > before)
        {
            return null;
        }

        if (pgp is not null)
        {
            return pkix is null
                ? PgpKeyOf(reader, pgp, given, hasId)
                : Unusable(reader, given, hasId, "it is a PGP key and a PKIX key at once; give each by itself");
        }

        if (string.IsNullOrEmpty(pem))
        {
            return RemoteKeyOf(reader, given, hasId, algorithm);
        }

        return PublicKey.TryReadPem(pem, algorithm, out var key, out var problem)
            ? new AttestorKey(hasId ? given : key.DefaultId, key, null)
            : Unusable(reader, given, hasId, problem);
    }

    /// <summary>Without PEM the id must say where the key is kept; one that names nothing could never be fetched.</summary>
    private static AttestorKey? RemoteKeyOf(MappingReader reader, KeyId given, bool hasId, SignatureAlgorithm algorithm)
    {
        if (!hasId)
        {
            return Unusable(reader, given, hasId, "it has neither a PEM nor the id of a key in Cloud KMS");
        }

        return KmsKeyName.TryParse(given.ToString(), out var name)
            ? AttestorKey.Elsewhere(given, new RemoteKey(name, algorithm))
            : Unusable(reader, given, hasId, "it has no PEM, and its id is not that of a key version in Cloud KMS", $"add publicKeyPem, or write the id as {KmsKeyName.Form}");
    }

    private static AttestorKey? PgpKeyOf(MappingReader reader, string pgp, KeyId given, bool hasId)
    {
        var reading = PgpKeyBlock.Read(pgp);
        if (hasId && reading.Id != default && given != reading.Id)
        {
            reader.Problems.Warn(reader.MarkOf("id"), "`id` is not the fingerprint of the PGP key, which counts instead", $"write id: {reading.Id}, or leave it out");
        }

        var (id, isKnown) = reading.Id != default ? (reading.Id, true) : (given, hasId);
        return reading.Key is { } key ? new AttestorKey(id, key, null) : Unusable(reader, id, isKnown, reading.Problem!);
    }

    private static AttestorKey? Unusable(MappingReader reader, KeyId id, bool hasId, string problem, string remedy = "replace the key; until then it verifies nothing")
    {
        reader.Problems.Unusable(reader.Node.Mark, $"the key {(hasId ? $"`{Shown.Value(id.ToString())}` " : "")}is unusable: {problem}", remedy);

        // Without an id nothing can name the key, but the attestor must still know that it has one: no keys and no usable keys differ.
        return new AttestorKey(hasId ? id : KeyId.OfSubjectPublicKeyInfo(System.Text.Encoding.UTF8.GetBytes($"unusable:{reader.Node.Mark}")), null, problem);
    }

    internal static bool ParseKeyId(string text, out KeyId id, out string problem)
    {
        problem = "write a URI reference, at most 1,024 bytes";
        return KeyId.TryParse(text, out id);
    }

    internal static bool ParseAlgorithm(string text, out SignatureAlgorithm algorithm, out string problem)
    {
        problem = "write one of the signature algorithms, such as ECDSA_P256_SHA256";
        return SignatureAlgorithms.TryParse(text, out algorithm);
    }
}
