using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PolicyService.LoadTests.Documents;

/// <summary>An issuer of bearer tokens (JWTs) of our own, so that a server under load can tell its callers apart.</summary>
internal sealed class TestTokens : IDisposable
{
    private const string Issuer = "https://issuer.example";
    private const string Audience = "policyservice";
    private static readonly TimeSpan Life = TimeSpan.FromDays(1);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Has a server take these tokens. Whoever has one may ask everything, as often as it likes.</summary>
    /// <param name="folder">Where the files for that are written.</param>
    /// <returns>Flags of the server.</returns>
    public string[] Flags(string folder)
    {
        var (keys, access) = (Path.Combine(folder, "keys.pem"), Path.Combine(folder, "access.yaml"));
        Directory.CreateDirectory(folder);
        File.WriteAllText(keys, _key.ExportSubjectPublicKeyInfoPem());
        File.WriteAllText(access, """
            evaluators: [{members: [allAuthenticatedUsers], clusters: ["*"], projects: ["*"], may: [WORKLOAD]}]
            limits: {default: {requestsPerSecond: 1000000, burst: 1000000, concurrentRequests: 1000000, streams: 1000000}}
            """);
        return ["--Auth:Jwt:Issuer", Issuer, "--Auth:Jwt:Audience", Audience, "--Auth:Jwt:KeysFile", keys, "--Access:File", access];
    }

    /// <summary>The header that says who asks.</summary>
    public (string Name, string Value) Header(string subject, DateTimeOffset now)
    {
        var head = Part("""{"alg":"ES256","typ":"JWT"}""");
        var claims = Part(JsonSerializer.Serialize(new { iss = Issuer, aud = Audience, sub = subject, exp = (now + Life).ToUnixTimeSeconds() }));
        var signature = _key.SignData(Encoding.ASCII.GetBytes($"{head}.{claims}"), HashAlgorithmName.SHA256);
        return ("authorization", $"Bearer {head}.{claims}.{Base64Url.EncodeToString(signature)}");
    }

    public void Dispose() => _key.Dispose();

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
