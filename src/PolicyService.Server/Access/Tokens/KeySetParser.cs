using System.Buffers.Text;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using PolicyService.Core;

namespace PolicyService.Server.Access.Tokens;

/// <summary>
/// Reads public keys of an issuer: a JWK Set (RFC 7517), or public keys in PEM. A key of a kind that cannot be used for signatures here is
/// passed over, as section 5 of the RFC asks; a set without a single usable key is refused.
/// </summary>
internal static class KeySetParser
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Limits.Depth };
    private static readonly FrozenSet<string> RsaAlgorithms = FrozenSet.ToFrozenSet(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], StringComparer.Ordinal);

    /// <summary>Every <c>alg</c> of a token that may count: asymmetric ones.</summary>
    public static FrozenSet<string> Algorithms { get; } = RsaAlgorithms.Concat(["ES256", "ES384", "ES512"]).ToFrozenSet(StringComparer.Ordinal);

    /// <exception cref="KeySetException">It has no usable key.</exception>
    public static KeySet Parse(byte[] content)
    {
        var text = Encoding.UTF8.GetString(content);
        var keys = text.Contains("-----BEGIN", StringComparison.Ordinal) ? ParsePem(text) : ParseJson(content);
        return keys.Count switch
        {
            0 => throw new KeySetException("there is no RSA key of 2048 bits or more, and no key on P-256, P-384 or P-521, for signatures"),
            > Limits.IssuerKeys => throw new KeySetException($"there are more than {Limits.IssuerKeys} keys"),
            _ => new KeySet(keys),
        };
    }

    private static List<SigningKey> ParseJson(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content, Strict);
            if (document.RootElement.ValueKind is not JsonValueKind.Object
                || !document.RootElement.TryGetProperty("keys", out var list) || list.ValueKind is not JsonValueKind.Array)
            {
                throw new KeySetException("it is no JWK Set: an object with a list `keys` is missing");
            }

            return list.GetArrayLength() > Limits.IssuerKeys * 4
                ? throw new KeySetException($"there are more than {Limits.IssuerKeys * 4} keys")
                : [.. list.EnumerateArray().Select(ReadKey).OfType<SigningKey>()];
        }
        // A text with half a character, which JSON allows and no text has, is no operation of the reader's.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new KeySetException("it is neither a JWK Set in JSON nor a public key in PEM");
        }
    }

    private static SigningKey? ReadKey(JsonElement jwk)
    {
        // Whoever publishes the private part has no secret left: everybody could sign with it.
        if (jwk.ValueKind is not JsonValueKind.Object || jwk.TryGetProperty("d", out _)
            || (jwk.TryGetProperty("use", out _) && Text(jwk, "use") != "sig")
            || (jwk.TryGetProperty("key_ops", out var uses) && !(uses.ValueKind is JsonValueKind.Array && uses.EnumerateArray().Any(use => use.ValueKind is JsonValueKind.String && use.GetString() == "verify"))))
        {
            return null;
        }

        try
        {
            AsymmetricAlgorithm? key = Text(jwk, "kty") switch
            {
                "RSA" => RSA.Create(new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") }),
                "EC" when CurveOf(Text(jwk, "crv")) is { } curve => ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") } }),
                _ => null,
            };
            return key is null ? null : Use(key, Text(jwk, "kid"), jwk.TryGetProperty("alg", out _) ? Text(jwk, "alg") ?? "" : null);
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static List<SigningKey> ParsePem(string text)
    {
        var keys = new List<SigningKey>();
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var label = rest[fields.Label].ToString();
            if (label != "PUBLIC KEY")
            {
                throw new KeySetException($"it holds `{Core.Documents.Shown.Value(label)}`: write public keys (`-----BEGIN PUBLIC KEY-----`) only");
            }

            if (ReadPem(rest[fields.Location].ToString()) is { } key)
            {
                keys.Add(key);
            }

            rest = rest[fields.Location.End.GetOffset(rest.Length)..];
        }

        return keys;
    }

    private static SigningKey? ReadPem(string pem)
    {
        foreach (AsymmetricAlgorithm algorithm in new AsymmetricAlgorithm[] { RSA.Create(), ECDsa.Create() })
        {
            try
            {
                algorithm.ImportFromPem(pem);
                return Use(algorithm, null, null);
            }
            // The last of them at a curve that nobody here knows.
            catch (Exception exception) when (exception is CryptographicException or ArgumentException or PlatformNotSupportedException)
            {
                algorithm.Dispose();
            }
        }

        return null;
    }

    private static SigningKey? Use(AsymmetricAlgorithm algorithm, string? keyId, string? declared)
    {
        var (fitting, key) = algorithm switch
        {
            RSA rsa when rsa.KeySize is >= 2048 and <= 8192 => (RsaAlgorithms, new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false))),
            ECDsa ec when EcAlgorithm(ec) is { } name => (FrozenSet.ToFrozenSet([name], StringComparer.Ordinal), (SecurityKey)new ECDsaSecurityKey(ec)),
            _ => (FrozenSet<string>.Empty, null!),
        };
        var algorithms = declared is null ? fitting : fitting.Where(name => name == declared).ToFrozenSet(StringComparer.Ordinal);
        if (algorithms.Count == 0)
        {
            algorithm.Dispose();
            return null;
        }

        // No name here: the library would choose by names of its own, and we have chosen already.
        var fingerprint = Convert.ToHexStringLower(SHA256.HashData(algorithm.ExportSubjectPublicKeyInfo()));
        return new SigningKey(keyId, fingerprint, algorithms, key);
    }

    private static string? EcAlgorithm(ECDsa key) => key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value switch
    {
        "1.2.840.10045.3.1.7" => "ES256",
        "1.3.132.0.34" => "ES384",
        "1.3.132.0.35" => "ES512",
        _ => null,
    };

    private static ECCurve? CurveOf(string? name) => name switch
    {
        "P-256" => ECCurve.NamedCurves.nistP256,
        "P-384" => ECCurve.NamedCurves.nistP384,
        "P-521" => ECCurve.NamedCurves.nistP521,
        _ => null,
    };

    /// <summary>A number; the library looks at the first byte of one without asking whether there is any.</summary>
    private static byte[] Bytes(JsonElement jwk, string name) =>
        Text(jwk, name) is { Length: > 1 } text ? Base64Url.DecodeFromChars(text) : throw new FormatException($"no `{name}`");

    private static string? Text(JsonElement jwk, string name) =>
        jwk.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
