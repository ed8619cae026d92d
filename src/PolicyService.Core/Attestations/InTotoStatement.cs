using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Attestations;

/// <summary>What a statement is about.</summary>
/// <param name="Name">Of an image its repository, where anything is said; else empty.</param>
/// <param name="Digest">Null: it has none of sha256.</param>
public sealed record InTotoSubject(string Name, Digest? Digest);

/// <summary>
/// What somebody says about artifacts (in-toto attestation framework, "Statement", v0.1 and v1). Parsed strictly, and only once a
/// signature over it has verified.
/// </summary>
/// <param name="Subjects">At least one.</param>
/// <param name="PredicateType">What kind of thing is said.</param>
public sealed record InTotoStatement(IReadOnlyList<InTotoSubject> Subjects, string PredicateType)
{
    public const string V01 = "https://in-toto.io/Statement/v0.1";

    public const string V1 = "https://in-toto.io/Statement/v1";

    /// <summary>The predicate of a signature of cosign, which says nothing but that the subject is vouched for.</summary>
    public const string CosignSignature = "https://sigstore.dev/cosign/sign/v1";

    /// <summary>The fields of a resource descriptor (in-toto v1); of them v0.1 has the first two.</summary>
    private static readonly string[] SubjectFields = ["name", "digest", "uri", "content", "downloadLocation", "mediaType", "annotations"];

    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out InTotoStatement? statement, [NotNullWhen(false)] out string? problem)
    {
        InTotoStatement? parsed = null;
        problem = json.Length > Limits.PayloadBytes
            ? "the statement is larger than 64 KiB"
            : StrictJson.Read(json, "the statement", root => Read(root, out parsed));
        statement = problem is null ? parsed : null;
        return statement is not null;
    }

    /// <summary>
    /// What the statement says as a signature of an image, in the shape of the classic one. Nothing else that the same key signed, an SBOM,
    /// a scan, a provenance, may pass for it.
    /// </summary>
    public bool TryReadSignature([NotNullWhen(true)] out SimpleSigningPayload? payload, [NotNullWhen(false)] out string? problem)
    {
        payload = null;
        problem = PredicateType != CosignSignature ? $"the statement's predicateType is `{Shown.Value(PredicateType)}`, which is no signature of an image"
            : Subjects.Count != 1 ? "the statement has several subjects"
            : Subjects[0].Digest is null ? "the statement's subject has no sha256 digest"
            : null;
        if (problem is null)
        {
            payload = new SimpleSigningPayload(Subjects[0].Name, Subjects[0].Digest!.Value, SimpleSigningType.Cosign);
        }

        return payload is not null;
    }

    // Gives the problem, or none and the statement.
    private static string? Read(JsonElement root, out InTotoStatement? statement)
    {
        statement = null;
        if (!StrictJson.HasOnly(root, "_type", "subject", "predicateType", "predicate"))
        {
            return "the statement is not an object of `_type`, `subject`, `predicateType` and at most `predicate`";
        }

        if (!root.TryGetProperty("_type", out var type) || type.ValueKind is not JsonValueKind.String || !(type.ValueEquals(V01) || type.ValueEquals(V1)))
        {
            return "the statement's `_type` is no in-toto statement of v0.1 or v1";
        }

        if (!root.TryGetProperty("predicateType", out var predicateType) || predicateType.ValueKind is not JsonValueKind.String)
        {
            return "the statement has no `predicateType`";
        }

        if (root.TryGetProperty("predicate", out var predicate) && predicate.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
        {
            return "the statement's `predicate` is neither null nor an object";
        }

        if (!root.TryGetProperty("subject", out var list) || list.ValueKind is not JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            return "the statement has no `subject`";
        }

        var subjects = new List<InTotoSubject>();
        foreach (var item in list.EnumerateArray())
        {
            if (ReadSubject(item, out var subject) is { } problem)
            {
                return problem;
            }

            subjects.Add(subject!);
        }

        statement = new InTotoStatement(subjects, predicateType.GetString()!);
        return null;
    }

    private static string? ReadSubject(JsonElement item, out InTotoSubject? subject)
    {
        subject = null;
        if (!StrictJson.HasOnly(item, SubjectFields))
        {
            return "a subject of the statement is not an object of a subject's fields alone";
        }

        var hasName = item.TryGetProperty("name", out var name) && name.ValueKind is not JsonValueKind.Null;
        if (hasName && name.ValueKind is not JsonValueKind.String)
        {
            return "the `name` of a subject is no string";
        }

        if (!item.TryGetProperty("digest", out var digests) || digests.ValueKind is not JsonValueKind.Object)
        {
            return "a subject of the statement has no `digest`";
        }

        Digest? sha256 = null;
        foreach (var entry in digests.EnumerateObject())
        {
            if (entry.Value.ValueKind is not JsonValueKind.String)
            {
                return "a digest of a subject is no string";
            }

            if (entry.NameEquals("sha256"))
            {
                if (!Digest.TryParse($"sha256:{entry.Value.GetString()}", out var digest))
                {
                    return "the sha256 digest of a subject is malformed";
                }

                sha256 = digest;
            }
        }

        subject = new InTotoSubject(hasName ? name.GetString()! : "", sha256);
        return null;
    }
}
