using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using static PolicyService.Core.Documents.StrictJson;

namespace PolicyService.Core.Attestations;

/// <summary>What a simple-signing payload says it is. Which one a source may use is its reader's decision.</summary>
public enum SimpleSigningType
{
    /// <summary>Never parsed.</summary>
    Unspecified = 0,

    /// <summary>Attestations of Binary Authorization: occurrences and inline.</summary>
    BinaryAuthorization,

    /// <summary>Signatures that cosign puts beside an image.</summary>
    Cosign,
}

/// <summary>
/// The simple-signing document: "this digest is vouched for". Parsed strictly, because every freedom in reading it is a chance
/// that signer and verifier read two different digests.
/// </summary>
public sealed record SimpleSigningPayload(string DockerReference, Digest Digest, SimpleSigningType Type)
{
    /// <summary>Largest document, in bytes.</summary>
    public const int MaxSize = 64 * 1024;

    private const string BinaryAuthorizationType = "Google cloud binauthz container signature";
    private const string CosignType = "cosign container image signature";

    public static bool TryParse(
        ReadOnlySpan<byte> json, [NotNullWhen(true)] out SimpleSigningPayload? payload, [NotNullWhen(false)] out string? problem) =>
        TryParse(json, ["critical", "optional"], _ => null, out payload, out problem);

    /// <summary>The same where the object may have more fields: <paramref name="readOthers"/> reads them and says what is wrong.</summary>
    internal static bool TryParse(
        ReadOnlySpan<byte> json,
        string[] fields,
        Func<JsonElement, string?> readOthers,
        [NotNullWhen(true)] out SimpleSigningPayload? payload,
        [NotNullWhen(false)] out string? problem)
    {
        SimpleSigningPayload? parsed = null;
        problem = json.Length > MaxSize
            ? "the payload is larger than 64 KiB"
            : StrictJson.Read(json, "the payload", root => Read(root, fields, out parsed) ?? readOthers(root));
        payload = problem is null ? parsed : null;
        return payload is not null;
    }

    /// <summary>The document that Binary Authorization clients sign, byte for byte.</summary>
    public static byte[] Write(string dockerReference, Digest digest) => Encoding.ASCII.GetBytes(
        "{\n"
        + "  \"critical\": {\n"
        + "    \"identity\": {\n"
        + $"      \"docker-reference\": \"{JsonEncodedText.Encode(dockerReference)}\"\n"
        + "    },\n"
        + "    \"image\": {\n"
        + $"      \"docker-manifest-digest\": \"{digest}\"\n"
        + "    },\n"
        + $"    \"type\": \"{BinaryAuthorizationType}\"\n"
        + "  }\n"
        + "}\n");

    // Gives the problem, or none and the payload.
    private static string? Read(JsonElement root, string[] fields, out SimpleSigningPayload? payload)
    {
        payload = null;
        if (!HasOnly(root, fields) || !root.TryGetProperty("critical", out var critical))
        {
            return $"the payload is not an object of `critical` and at most {string.Join(", ", fields.Skip(1).Select(field => $"`{field}`"))}";
        }

        if (root.TryGetProperty("optional", out var optional) && optional.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
        {
            return "`optional` is neither null nor an object";
        }

        if (!HasOnly(critical, "identity", "image", "type"))
        {
            return "`critical` is not an object of `identity`, `image` and `type`";
        }

        if (!TryReadString(critical, "type", out var typeName) || TypeOf(typeName) is not { } type)
        {
            return "`critical.type` is missing or names no known type";
        }

        if (!TryReadOnlyString(critical, "identity", "docker-reference", out var reference))
        {
            return "`critical.identity` is not an object of the string `docker-reference` alone";
        }

        if (!TryReadOnlyString(critical, "image", "docker-manifest-digest", out var digestText) || !Digest.TryParse(digestText, out var digest))
        {
            return "`critical.image` is not an object of a sha256 `docker-manifest-digest` alone";
        }

        payload = new SimpleSigningPayload(reference, digest, type);
        return null;
    }

    private static SimpleSigningType? TypeOf(string name) => name switch
    {
        BinaryAuthorizationType => SimpleSigningType.BinaryAuthorization,
        CosignType => SimpleSigningType.Cosign,
        _ => null,
    };

    private static bool TryReadOnlyString(JsonElement parent, string name, string field, [NotNullWhen(true)] out string? value)
    {
        value = null;
        return parent.TryGetProperty(name, out var element) && HasOnly(element, field) && TryReadString(element, field, out value);
    }

    private static bool TryReadString(JsonElement parent, string name, [NotNullWhen(true)] out string? value)
    {
        value = parent.TryGetProperty(name, out var element) && element.ValueKind is JsonValueKind.String ? element.GetString() : null;
        return value is not null;
    }
}
