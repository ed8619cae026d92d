using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace PolicyService.Tests.Kms;

/// <summary>What the stand-in answers, right and wrong.</summary>
internal static class KmsStandInReplies
{
    /// <summary>Status and further headers of a fault that is one of HTTP.</summary>
    public static (int Code, string Headers)? StatusOf(KmsFault fault) => fault switch
    {
        KmsFault.BadRequest => (400, ""),
        KmsFault.Unauthorized => (401, ""),
        KmsFault.Forbidden => (403, ""),
        KmsFault.NotFound => (404, ""),
        KmsFault.TooManyRequests => (429, ""),
        KmsFault.TooManyRequestsForLong => (429, "retry-after: 3600\r\n"),
        KmsFault.ServerError => (500, ""),
        KmsFault.Unavailable => (503, ""),
        KmsFault.Redirection => (302, "location: http://127.0.0.1:1/\r\n"),
        KmsFault.NoContent => (204, ""),
        KmsFault.HugeHeaders => (200, $"x-much: {new string('x', 100_000)}\r\n"),
        _ => null,
    };

    public static JsonObject PublicKey(string name, KmsStandInKey key, KmsFault fault)
    {
        var pem = fault switch
        {
            KmsFault.OtherKey => new KmsStandInKey(key.Algorithm).Pem,
            KmsFault.OtherAlgorithm => new KmsStandInKey("EC_SIGN_P384_SHA384").Pem,
            KmsFault.Certificate => Certificate(),
            KmsFault.PrivateKey => key.PrivatePem,
            KmsFault.WeakKey => WeakKey(),
            _ => key.Pem,
        };
        var algorithm = fault switch
        {
            KmsFault.OtherAlgorithm or KmsFault.AlgorithmOfAnotherCurve => "EC_SIGN_P384_SHA384",
            KmsFault.UnknownAlgorithm => "EC_SIGN_SECP256K1_SHA256",
            KmsFault.EncryptionAlgorithm => "RSA_DECRYPT_OAEP_2048_SHA256",
            KmsFault.WeakKey => "RSA_SIGN_PKCS1_2048_SHA256",
            _ => key.Algorithm,
        };
        var reply = new JsonObject { ["pem"] = pem, ["algorithm"] = algorithm, ["pemCrc32c"] = Checksum(pem), ["name"] = name, ["protectionLevel"] = "SOFTWARE" };
        switch (fault)
        {
            case KmsFault.WrongChecksum:
                reply["pemCrc32c"] = Checksum(pem + " ");
                break;
            case KmsFault.NoChecksum:
                reply.Remove("pemCrc32c");
                break;
            case KmsFault.ChecksumNoNumber:
                reply["pemCrc32c"] = "none";
                break;
            case KmsFault.OtherName:
                reply["name"] = name + "0";
                break;
            case KmsFault.NoName:
                reply.Remove("name");
                break;
            case KmsFault.NoPem:
                reply.Remove("pem");
                break;
            case KmsFault.PemIsNumber:
                reply["pem"] = 1;
                break;
        }

        return reply;
    }

    public static JsonObject Signature(string name, KmsStandInKey key, JsonNode request, KmsFault fault)
    {
        var digest = Convert.FromBase64String((string)request["digest"]![key.Hash]!);
        var verified = (string)request["digestCrc32c"]! == Crc32C(digest).ToString(CultureInfo.InvariantCulture) && fault is not KmsFault.DigestNotVerified;
        var signature = key.SignDigest(digest);
        var reply = new JsonObject
        {
            ["name"] = fault is KmsFault.OtherName ? name + "0" : name,
            ["signature"] = Convert.ToBase64String(signature),
            ["signatureCrc32c"] = Crc32C(fault is KmsFault.WrongSignatureChecksum ? digest : signature).ToString(CultureInfo.InvariantCulture),
            ["verifiedDigestCrc32c"] = verified,
        };
        if (fault is KmsFault.NoSignature)
        {
            reply.Remove("signature");
        }

        return reply;
    }

    /// <summary>The body's bytes, spoilt where the fault is one of JSON.</summary>
    public static byte[] Text(JsonNode node, KmsFault fault)
    {
        var text = node.ToJsonString();
        return fault switch
        {
            KmsFault.NoContent => [],
            KmsFault.HalfJson => Encoding.UTF8.GetBytes(text[..(text.Length / 2)]),
            KmsFault.NoJson => "<html>hello</html>"u8.ToArray(),
            KmsFault.JsonList => "[]"u8.ToArray(),
            KmsFault.NoUtf8 => [.. Encoding.UTF8.GetBytes("{\"name\":\""), 0xff, 0xfe, .. "\"}"u8],
            KmsFault.HalfPair => Encoding.UTF8.GetBytes($"{{\"\\ud800\":1,{text[1..]}"),
            KmsFault.DuplicateField => Encoding.UTF8.GetBytes(text[..^1] + ",\"pem\":\"\"}"),
            KmsFault.DeepJson => Encoding.UTF8.GetBytes(text[..^1] + $",\"x\":{new string('[', 10_000)}{new string(']', 10_000)}}}"),
            KmsFault.Oversized => Encoding.UTF8.GetBytes(text + new string(' ', 100_000)),
            _ => Encoding.UTF8.GetBytes(text),
        };
    }

    /// <summary>Bit by bit, so that it shares nothing with a table or an instruction.</summary>
    public static uint Crc32C(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var one in data)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
            }
        }

        return ~crc;
    }

    private static string Checksum(string text) => Crc32C(Encoding.UTF8.GetBytes(text)).ToString(CultureInfo.InvariantCulture);

    private static string Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=kms", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2036, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return certificate.ExportCertificatePem();
    }

    private static string WeakKey()
    {
        using var rsa = RSA.Create(1024);
        return rsa.ExportSubjectPublicKeyInfoPem();
    }
}
