using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification.Jwt;

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
            if (MappingReader.Of(node, "the occurrence", problems) is { } reader)
            {
                attestations.AddRange(ParseOccurrence(reader));
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

    private static IEnumerable<Attestation> ParseOccurrence(MappingReader reader)
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
            reader.Problems.Missing(reader.Node.Mark, "attestation", "write attestation: {serializedPayload, signatures}");
        }

        var signed = body is null ? [] : ParseBody(body);
        reader.End();
        return reader.Problems.HasErrors ? [] : signed.Select(one => new Attestation(one.Payload, one.Signatures)
        {
            Source = EvidenceSource.Grafeas,
            Name = name ?? "",
            Note = note,
            ResourceDigest = digest,
            FirstSeen = created == default ? null : created,
        });
    }

    /// <summary>What the occurrence holds: the payload with its signatures, and each JWT, which has a payload of its own.</summary>
    private static IReadOnlyList<SignedBytes> ParseBody(MappingReader reader)
    {
        var hasJwts = reader.Node.Entries.Any(entry => entry.Key == "jwts" && entry.Value is SequenceNode { Items.Count: > 0 });
        var jwts = reader.Mappings("jwts", ParseJwt);
        var payload = reader.Value<byte[]>("serializedPayload", ValueParsers.Bytes);
        var signatures = reader.Mappings("signatures", ParseSignature);
        reader.End();
        if (!hasJwts && !reader.Node.Entries.Any(entry => entry.Key == "serializedPayload" && !entry.Value.IsNull))
        {
            reader.Problems.Missing(reader.Node.Mark, "serializedPayload", "write the signed bytes as base64");
        }

        return [new SignedBytes(payload ?? [], signatures), .. jwts];
    }

    private static SignedBytes? ParseJwt(MappingReader reader)
    {
        if (reader.Required<string>("compactJwt", ValueParsers.Text, "write the JWT as <header>.<payload>.<signature>") is not { } text)
        {
            return null;
        }

        var token = Encoding.UTF8.GetBytes(text);
        if (!CompactJwt.TryReadHeader(token, out var header, out var problem))
        {
            // It names no key, so no attestor can be asked about it.
            reader.Problems.Warn(reader.MarkOf("compactJwt"), problem, "sign it anew; until then it counts for nothing");
            return null;
        }

        var payload = CompactJwt.TryParse(token, out var jwt, out _) ? jwt.Payload : [];
        return new SignedBytes(payload, [new AttestationSignature(header.KeyId, token, SignatureFormat.Jwt)]);
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

    private sealed record SignedBytes(byte[] Payload, IReadOnlyList<AttestationSignature> Signatures);
}
