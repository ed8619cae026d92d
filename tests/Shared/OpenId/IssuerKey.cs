using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace PolicyService.Tests.OpenId;

/// <summary>A key an issuer signs with, and tokens by it: right ones, and ones no issuer would make.</summary>
internal sealed class IssuerKey : IDisposable
{
    private readonly AsymmetricAlgorithm _key;

    private IssuerKey(AsymmetricAlgorithm key, string algorithm, string keyId) => (_key, Algorithm, KeyId) = (key, algorithm, keyId);

    public string Algorithm { get; }

    public string KeyId { get; }

    public static IssuerKey Rsa(string keyId = "rsa-1", string algorithm = "RS256") => new(RSA.Create(2048), algorithm, keyId);

    public static IssuerKey Ec(string keyId = "ec-1") => new(ECDsa.Create(ECCurve.NamedCurves.nistP256), "ES256", keyId);

    public string PublicPem => _key.ExportSubjectPublicKeyInfoPem();

    public byte[] PublicDer => _key.ExportSubjectPublicKeyInfo();

    /// <summary>A JWK Set of public keys.</summary>
    public static string Set(params IssuerKey[] keys) => new JsonObject { ["keys"] = new JsonArray([.. keys.Select(key => (JsonNode)key.Jwk())]) }.ToJsonString();

    public JsonObject Jwk()
    {
        if (_key is RSA rsa)
        {
            var numbers = rsa.ExportParameters(includePrivateParameters: false);
            return new JsonObject
            {
                ["kty"] = "RSA",
                ["use"] = "sig",
                ["kid"] = KeyId,
                ["n"] = Base64Url.EncodeToString(numbers.Modulus),
                ["e"] = Base64Url.EncodeToString(numbers.Exponent),
            };
        }

        var point = ((ECDsa)_key).ExportParameters(includePrivateParameters: false).Q;
        return new JsonObject
        {
            ["kty"] = "EC",
            ["crv"] = "P-256",
            ["use"] = "sig",
            ["kid"] = KeyId,
            ["x"] = Base64Url.EncodeToString(point.X),
            ["y"] = Base64Url.EncodeToString(point.Y),
        };
    }

    /// <summary>A token with this header beside <c>alg</c> and <c>kid</c>; null takes one of them away.</summary>
    public string Sign(JsonObject claims, params (string Name, JsonNode? Value)[] header)
    {
        var head = new JsonObject { ["alg"] = Algorithm, ["kid"] = KeyId, ["typ"] = "JWT" };
        foreach (var (name, value) in header)
        {
            if (value is null)
            {
                head.Remove(name);
            }
            else
            {
                head[name] = value.DeepClone();
            }
        }

        return Sign(head.ToJsonString(), claims.ToJsonString());
    }

    /// <summary>A token of exactly these texts, signed by the key's own algorithm whatever the header says.</summary>
    public string Sign(string header, string claims)
    {
        var input = Input(header, claims);
        var bytes = Encoding.ASCII.GetBytes(input);
        var signature = _key is RSA rsa
            ? rsa.SignData(bytes, HashAlgorithmName.SHA256, Algorithm.StartsWith('P') ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
            : ((ECDsa)_key).SignData(bytes, HashAlgorithmName.SHA256);
        return $"{input}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>A token with an HMAC for its signature.</summary>
    public static string Hmac(byte[] secret, string header, JsonObject claims)
    {
        var input = Input(header, claims.ToJsonString());
        return $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(input)))}";
    }

    /// <summary>The part of a token that is signed.</summary>
    public static string Input(string header, string claims) =>
        $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";

    /// <summary>Claims that are right for five minutes.</summary>
    public static JsonObject Claims(string issuer, DateTimeOffset now, params (string Name, JsonNode? Value)[] more)
    {
        var claims = new JsonObject
        {
            ["iss"] = issuer,
            ["aud"] = "policyservice",
            ["sub"] = "somebody",
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddMinutes(5).ToUnixTimeSeconds(),
        };
        foreach (var (name, value) in more)
        {
            if (value is null)
            {
                claims.Remove(name);
            }
            else
            {
                claims[name] = value.DeepClone();
            }
        }

        return claims;
    }

    public void Dispose() => _key.Dispose();
}
