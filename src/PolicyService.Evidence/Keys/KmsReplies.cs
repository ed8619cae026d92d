using System.Globalization;
using System.Text;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// Reads the answers of Cloud KMS (REST, v1). An answer counts only for the key version it was asked about, and only with checksums that
/// fit: a cache or proxy on the way may mix up or damage what TLS then protects faithfully.
/// </summary>
internal static class KmsReplies
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    public static PublicKey PublicKey(KmsKeyName name, ReadOnlyMemory<byte> body)
    {
        using var reply = Parse(body, name);
        var pem = Text(reply, "pem");
        RequireChecksum(reply, "pemCrc32c", Encoding.UTF8.GetBytes(pem));
        if (!SignatureAlgorithms.TryParse(Text(reply, "algorithm"), out var algorithm))
        {
            throw new KeyServiceException(KeyFailure.UnsupportedAlgorithm);
        }

        return Core.Attestors.PublicKey.TryReadPem(pem, algorithm, out var key, out _) ? key : throw new KeyServiceException(KeyFailure.UnusableKey);
    }

    public static KeyState State(KmsKeyName name, ReadOnlyMemory<byte> body)
    {
        using var reply = Parse(body, name);
        return Text(reply, "state") switch
        {
            "ENABLED" => KeyState.Enabled,
            "DISABLED" => KeyState.Disabled,
            // The external ones: destroyed here, and perhaps not yet where the key is kept.
            "DESTROYED" or "DESTROY_SCHEDULED" or "PENDING_EXTERNAL_DESTRUCTION" or "EXTERNAL_DESTRUCTION_FAILED" => KeyState.Destroyed,
            _ => KeyState.Unknown,
        };
    }

    public static byte[] Signature(KmsKeyName name, ReadOnlyMemory<byte> body)
    {
        using var reply = Parse(body, name);
        // False, or absent: the service did not see that it signed the digest we sent.
        if (!reply.RootElement.TryGetProperty("verifiedDigestCrc32c", out var verified) || verified.ValueKind is not JsonValueKind.True)
        {
            throw new KeyServiceException(KeyFailure.Checksum);
        }

        if (!ValueParsers.Bytes(Text(reply, "signature"), out var signature, out _) || signature.Length is 0 or > Limits.SignatureBytes)
        {
            throw Malformed();
        }

        RequireChecksum(reply, "signatureCrc32c", signature);
        return signature;
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body, KmsKeyName name)
    {
        JsonDocument? reply = null;
        try
        {
            reply = JsonDocument.Parse(body, Strict);
            if (reply.RootElement.ValueKind is not JsonValueKind.Object)
            {
                throw Malformed();
            }

            if (Text(reply, "name") != name.Resource)
            {
                throw new KeyServiceException(KeyFailure.OtherName);
            }

            return reply;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyServiceException)
        {
            // InvalidOperationException: a name of a field that is no text, found while duplicates are looked for.
            reply?.Dispose();
            throw exception as KeyServiceException ?? Malformed();
        }
    }

    private static string Text(JsonDocument reply, string field)
    {
        try
        {
            return reply.RootElement.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : throw Malformed();
        }
        catch (InvalidOperationException)
        {
            // Bytes that are no text: the parser finds them only when it is asked for the string.
            throw Malformed();
        }
    }

    /// <summary>An int64, which JSON may carry as a string. Without a checksum nothing says that the content arrived whole.</summary>
    private static void RequireChecksum(JsonDocument reply, string field, ReadOnlySpan<byte> content)
    {
        var isThere = reply.RootElement.TryGetProperty(field, out var value);
        long checksum = -1;
        var isNumber = isThere && value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetInt64(out checksum),
            JsonValueKind.String => long.TryParse(Text(reply, field), NumberStyles.None, CultureInfo.InvariantCulture, out checksum),
            _ => false,
        };
        if (!isNumber || checksum != Crc32C.Of(content))
        {
            throw new KeyServiceException(KeyFailure.Checksum);
        }
    }

    private static KeyServiceException Malformed() => new(KeyFailure.Malformed);
}
