using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using PolicyService.Tests.Redis;

namespace PolicyService.Server.Tests.Process;

/// <summary>Secrets come from files and the environment, and go nowhere: not into what is printed, answered, counted or recorded, whatever fails.</summary>
public sealed class SecretTests : IDisposable
{
    private static readonly Dictionary<string, string> Talkative = new()
    {
        ["Logging__LogLevel__Default"] = "Trace",
        ["Logging__LogLevel__Microsoft"] = "Trace",
        ["Logging__LogLevel__Grpc"] = "Trace",
        ["Logging__LogLevel__Npgsql"] = "Trace",
    };

    private readonly DocumentsFolder _documents = DocumentsFolder.Fixed("ALWAYS_DENY");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts that must fail, and none of them over an unknown setting.</summary>
    public static TheoryData<string, string> Failing => new()
    {
        { "database that is down", "--Store:Postgres Host=127.0.0.1;Port=1;Database=d;Username=u;Password=SECRET" },
        { "no connection string", "--Store:Postgres Password=SECRET;;Port=x" },
        { "two passwords", "--Store:Postgres Host=127.0.0.1;Port=1;Password=SECRET --Store:PostgresPasswordFile FILE" },
        { "database that is down, file", "--Store:Postgres Host=127.0.0.1;Port=1;Database=d;Username=u --Store:PostgresPasswordFile FILE" },
        { "password without database", "--Policies:Directory DIR --Store:PostgresPasswordFile FILE" },
        { "no connection string of Redis", "--Policies:Directory DIR --Redis:Connection 127.0.0.1:1,password=SECRET,nonsense=x" },
        { "two passwords of Redis", "--Policies:Directory DIR --Redis:Connection 127.0.0.1:1,password=SECRET --Redis:PasswordFile FILE" },
        { "short fleet key", "--Policies:Directory DIR --Redis:Connection 127.0.0.1:1 --Redis:FleetKeyFile SHORT" },
        { "no key of TLS", "--Policies:Directory DIR --Tls:Certificate CERTIFICATE --Tls:Key FILE" },
        { "broken key of TLS", "--Policies:Directory DIR --Tls:Certificate CERTIFICATE --Tls:Key PEM" },
        { "no keys of an issuer", "--Policies:Directory DIR --Auth:Jwt:Issuer https://a.example --Auth:Jwt:Audience b --Auth:Jwt:KeysFile FILE" },
        { "shared key of an issuer", "--Policies:Directory DIR --Auth:Jwt:Issuer https://a.example --Auth:Jwt:Audience b --Auth:Jwt:KeysFile OCT" },
        { "no access file", "--Policies:Directory DIR --Auth:Jwt:Issuer https://a.example --Auth:Jwt:Audience b --Auth:Jwt:KeysFile OCT --Access:File FILE" },
        { "misspelt flag", "--Policies:Directory DIR --Redis:Pasword SECRET" },
    };

    [Theory, MemberData(nameof(Failing))]
    public async Task Start_that_fails_tells_no_secret(string name, string arguments)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        var places = new Dictionary<string, string>
        {
            ["SECRET"] = Canary.For("argument"),
            ["DIR"] = _documents.Path,
            ["FILE"] = Plant("file", Canary.For("file")),
            ["SHORT"] = Plant("short", Canary.Marker),
            ["PEM"] = Plant("pem", $"-----BEGIN PRIVATE KEY-----\n{Canary.For("pem")}\n-----END PRIVATE KEY-----\n"),
            ["OCT"] = Plant("oct", $$"""{"keys": [{"kty": "oct", "alg": "HS256", "k": "{{Canary.For("oct")}}"}]}"""),
            ["CERTIFICATE"] = Plant("certificate", certificate.ExportCertificatePem()),
        };
        string[] given = [.. arguments.Split(' ').Select(word => places.Aggregate(word, (text, place) => text.Replace(place.Key, place.Value, StringComparison.Ordinal)))];

        var (code, errors) = await ServerProcess.FailAsync(given);

        Assert.Equal((name, 2), (name, code));
        Assert.NotEmpty(errors);
        Canary.AssertAbsent(name, string.Join('\n', errors));
    }

    [Fact]
    public async Task Database_that_refuses_the_password_is_told_by_its_class_alone()
    {
        await using var postgres = new AskingPostgres();
        var secret = Canary.For("postgres");
        var (code, errors) = await ServerProcess.FailAsync(
            "--Store:Postgres", $"Host=127.0.0.1;Port={postgres.Port};Database=d;Username=u", "--Store:PostgresPasswordFile", Plant("postgres", secret + "\n"));

        // It was the secret that was shown, without the end of its line.
        Assert.All(postgres.Passwords, password => Assert.Equal(secret, password));
        Assert.NotEmpty(postgres.Passwords);
        Assert.Equal(2, code);
        Canary.AssertAbsent("the start", string.Join('\n', errors));
        Assert.Contains(errors, line => line.Contains("mend --Store:Postgres", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Service_that_says_all_it_can_tells_no_secret()
    {
        using var redis = await RedisServer.StartAsync("right", ["--requirepass", "right"]);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var keys = _documents.Beside("keys.pem");
        await File.WriteAllTextAsync(keys, key.ExportSubjectPublicKeyInfoPem(), Cancellation);
        var said = new StringBuilder();
        var server = await ServerProcess.StartAsync(
            [
                "--Policies:Directory", _documents.Path, "--Store:Path", _documents.Beside("store.db"), "--Audit:File", _documents.Beside("records.jsonl"),
                "--Redis:Connection", redis.Endpoint, "--Redis:PasswordFile", Plant("redis", Canary.For("redis")), "--Redis:FleetKeyFile", Plant("fleet", Canary.For("fleet")),
                "--Auth:Jwt:Issuer", "https://issuer.example", "--Auth:Jwt:Audience", "policyservice", "--Auth:Jwt:KeysFile", keys,
            ],
            Talkative);
        await using (server)
        {
            foreach (var token in Tokens())
            {
                foreach (var path in new[] { "/metrics", "/healthz/ready", "/v1/projects/acme/policy", "/nothing" })
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, path);
                    request.Headers.TryAddWithoutValidation("Authorization", token);
                    request.Headers.TryAddWithoutValidation("Cookie", $"session={Canary.For("cookie")}");
                    using var response = await server.Http.SendAsync(request, Cancellation);
                    said.AppendLine($"{response}\n{await response.Content.ReadAsStringAsync(Cancellation)}");
                }

                var refused = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.EvaluateAsync(
                    Ask.For(Ask.Unattested), new Metadata { { "authorization", token } }, cancellationToken: Cancellation));
                said.AppendLine($"{refused.Status} {string.Join(' ', refused.Trailers)}");
            }

            await Eventually.Holds("Redis has refused the password", () => server.Errors.Any(line => line.Contains("Redis", StringComparison.OrdinalIgnoreCase)));
            server.Signal(Native.SigTerm);
            await server.ExitAsync();
            said.AppendJoin('\n', server.Errors).Append(await server.Output.ReadToEndAsync(Cancellation));
        }

        if (File.Exists(_documents.Beside("records.jsonl")))
        {
            said.Append(await File.ReadAllTextAsync(_documents.Beside("records.jsonl"), Cancellation));
        }

        Canary.AssertAbsent("the service", said.ToString());
        Assert.Contains("UNAUTHENTICATED", said.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => _documents.Dispose();

    private static IEnumerable<string> Tokens()
    {
        var claims = Encode($$"""{"iss": "https://issuer.example", "sub": "{{Canary.For("claim")}}"}""");
        yield return $"Bearer {Canary.For("token")}";
        yield return $"Bearer {Canary.For("a")}.{Canary.For("b")}.{Canary.For("c")}";
        yield return $"Bearer {Encode("""{"alg": "ES256"}""")}.{claims}.{Canary.For("signature")}";
        yield return $"Basic {Canary.For("basic")}";

        static string Encode(string json) => Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    private string Plant(string name, string text)
    {
        var path = _documents.Beside($"{name}.secret");
        File.WriteAllText(path, text);
        return path;
    }
}
