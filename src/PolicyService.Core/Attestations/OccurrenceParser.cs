using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Attestations;

/// <summary>Reads Grafeas attestation occurrences: one, a list, or <c>{occurrences: []}</c>.</summary>
public static class OccurrenceParser
{
    /// <summary>The attestations of a file, or null with every reason in <paramref name="problems"/>.</summary>
    public static IReadOnlyList<Attestation>? Parse(IReadOnlyList<DocumentNode> documents, ProblemList problems)
    {
        var attestations = new List<Attestation>();
        foreach (var node in documents.SelectMany(document => Occurrences(document, problems)))
        {
            if (MappingReader.Of(node, "the occurrence", problems) is { } reader && ParseOccurrence(reader) is { } attestation)
            {
                attestations.Add(attestation);
            }
        }

        return problems.HasErrors ? null : attestations;
    }

    private static IReadOnlyList<DocumentNode> Occurrences(DocumentNode document, ProblemList problems)
    {
        if (document is SequenceNode list)
        {
            return list.Items;
        }

        if (document is MappingNode mapping && mapping.Entries.Any(entry => entry.Key == "occurrences"))
        {
            var reader = new MappingReader(mapping, problems);
            var items = reader.Sequence("occurrences");
            reader.Text("nextPageToken");
            reader.End();
            return items;
        }

        return [document];
    }

    private static Attestation? ParseOccurrence(MappingReader reader)
    {
        var name = reader.Text("name");
        var kind = reader.Text("kind");
        if (kind is not (null or "ATTESTATION"))
        {
            reader.Problems.Error(reader.MarkOf("kind"), $"`kind` is `{Shown.Value(kind)}`", "keep occurrences of kind ATTESTATION here");
        }

        var note = reader.Required<NoteName>("noteName", NoteName.Parse, "write noteName: projects/<project>/notes/<note>");
        var digest = reader.Required<Digest>("resourceUri", ParseResource, "write resourceUri: https://<registry>/<repository>@sha256:<digest>");
        var created = reader.Value<DateTimeOffset>("createTime", ValueParsers.Time);
        PolicyParser.PassOver(reader, "updateTime", "remediation");
        var body = reader.Mapping("attestation");
        if (!reader.Node.Entries.Any(entry => entry.Key == "attestation" && !entry.Value.IsNull))
        {
            reader.Problems.Error(reader.Node.Mark, "`attestation` is missing", "write attestation: {serializedPayload, signatures}");
        }

        var (payload, signatures) = body is null ? (null, []) : ParseBody(body);
        reader.End();
        return payload is null || reader.Problems.HasErrors
            ? null
            : new Attestation(payload, signatures)
            {
                Source = EvidenceSource.Grafeas,
                Name = name ?? "",
                Note = note,
                ResourceDigest = digest,
                FirstSeen = created == default ? null : created,
            };
    }

    private static (byte[]? Payload, IReadOnlyList<AttestationSignature> Signatures) ParseBody(MappingReader reader)
    {
        var jwts = reader.Sequence("jwts");
        if (jwts.Count > 0)
        {
            reader.Problems.Warn(reader.MarkOf("jwts"), "JWT attestations are not verified by this version", "sign the payload itself; the JWT counts for nothing");
        }

        var payload = reader.Value<byte[]>("serializedPayload", ValueParsers.Bytes);
        var signatures = reader.Mappings("signatures", ParseSignature);
        reader.End();
        if (jwts.Count == 0 && !reader.Node.Entries.Any(entry => entry.Key == "serializedPayload" && !entry.Value.IsNull))
        {
            reader.Problems.Error(reader.Node.Mark, "`serializedPayload` is missing", "write the signed bytes as base64");
        }

        return (payload ?? [], signatures);
    }

    private static AttestationSignature? ParseSignature(MappingReader reader)
    {
        var keyId = reader.Required<KeyId>("publicKeyId", ParseKeyId, "name the key as the attestor does");
        var value = reader.Required<byte[]>("signature", ValueParsers.Bytes, "write the signature as base64");
        return value is null ? null : new AttestationSignature(keyId, value);
    }

    /// <summary><c>https://host/repository@sha256:…</c> and the same without scheme name one artifact.</summary>
    private static bool ParseResource(string text, out Digest digest, out string problem)
    {
        problem = "write https://<registry>/<repository>@sha256:<digest>";
        var bare = text.StartsWith("https://", StringComparison.Ordinal) ? text["https://".Length..]
            : text.StartsWith("http://", StringComparison.Ordinal) ? text["http://".Length..]
            : text;
        var valid = ImageReference.TryParse(bare, out var image) && image.Digest is not null;
        digest = valid ? image!.Digest!.Value : default;
        return valid;
    }

    private static bool ParseKeyId(string text, out KeyId id, out string problem)
    {
        problem = "write the key's id as the attestor has it";
        return KeyId.TryParse(text, out id);
    }
}
