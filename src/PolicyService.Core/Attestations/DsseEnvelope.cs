using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Attestations;

/// <summary>
/// A payload with signatures over its pre-authentication encoding (DSSE v1.0, "Envelope"). Only in-toto payloads are read. The ids of
/// keys in it are not signed and not looked at: keys come from attestors alone.
/// </summary>
public sealed record DsseEnvelope
{
    /// <summary>The payload is an in-toto statement; what the signatures cover says so too.</summary>
    public const string InTotoType = "application/vnd.in-toto+json";

    private DsseEnvelope()
    {
    }

    /// <summary>What was signed. Nothing in it is known before a signature verifies.</summary>
    public required byte[] Payload { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<byte[]> Signatures { get; init; }

    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out DsseEnvelope? envelope, [NotNullWhen(false)] out string? problem)
    {
        DsseEnvelope? parsed = null;
        problem = json.Length > Limits.EnvelopeBytes
            ? "the envelope is larger than 256 KiB"
            : StrictJson.Read(json, "the envelope", root => Read(root, out parsed));
        envelope = problem is null ? parsed : null;
        return envelope is not null;
    }

    // Gives the problem, or none and the envelope. Other fields are passed over, as the specification asks: they are not signed and say nothing here.
    private static string? Read(JsonElement root, out DsseEnvelope? envelope)
    {
        envelope = null;
        if (root.ValueKind is not JsonValueKind.Object || !root.TryGetProperty("payloadType", out var type) || type.ValueKind is not JsonValueKind.String)
        {
            return "the envelope is not an object with a `payloadType`";
        }

        if (!type.ValueEquals(InTotoType))
        {
            return $"the envelope's payloadType is `{Shown.Value(type.GetString())}` and not `{InTotoType}`";
        }

        if (!root.TryGetProperty("payload", out var payloadText) || !TryReadBytes(payloadText, out var payload))
        {
            return "the envelope's `payload` is no base64";
        }

        if (!root.TryGetProperty("signatures", out var list) || list.ValueKind is not JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            return "the envelope has no `signatures`";
        }

        var signatures = new List<byte[]>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind is not JsonValueKind.Object || !item.TryGetProperty("sig", out var text) || !TryReadBytes(text, out var signature) || signature.Length == 0)
            {
                return "a signature of the envelope has no base64 `sig`";
            }

            if (item.TryGetProperty("keyid", out var keyId) && keyId.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
            {
                return "a `keyid` of the envelope is no string";
            }

            signatures.Add(signature);
        }

        envelope = new DsseEnvelope { Payload = payload, Signatures = signatures };
        return null;
    }

    /// <summary>Base64 of one alphabet: the standard one with padding, or the URL-safe one with or without.</summary>
    private static bool TryReadBytes(JsonElement element, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (element.ValueKind is not JsonValueKind.String)
        {
            return false;
        }

        var text = element.GetString()!;
        var buffer = new byte[text.Length];
        if (Convert.TryFromBase64String(text, buffer, out var written) || (Base64Url.IsValid(text) && Base64Url.TryDecodeFromChars(text, buffer, out written)))
        {
            bytes = buffer[..written];
        }

        return bytes is not null;
    }
}
