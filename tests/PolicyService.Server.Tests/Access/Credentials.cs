using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Server.Access;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>Servers that ask for credentials, and what clients bring.</summary>
internal static class Credentials
{
    public const string Issuer = "https://issuer.example";

    /// <summary>Everybody who has authenticated may ask everything, and see how the service does.</summary>
    private const string Everybody = """
        evaluators: [{members: [allAuthenticatedUsers], clusters: ['*'], projects: ['*']}]
        bindings: [{role: roles/policyservice.monitor, members: [allAuthenticatedUsers], resources: [service]}]

        """;

    public static string[] Tokens(string keysFile, string issuer = Issuer) =>
        ["--Auth:Jwt:Issuer", issuer, "--Auth:Jwt:Audience", "policyservice", "--Auth:Jwt:KeysFile", keysFile];

    public static string[] Discovery(string issuer) => ["--Auth:Jwt:Issuer", issuer, "--Auth:Jwt:Audience", "policyservice"];

    /// <summary>An access file beside the documents, with more than the one grant.</summary>
    public static string[] Access(DocumentsFolder folder, string more = "")
    {
        Write(folder.Beside("access.yaml"), Everybody + more);
        return ["--Access:File", folder.Beside("access.yaml")];
    }

    /// <summary>Writes a certificate for this machine beside the documents.</summary>
    public static string[] Tls(DocumentsFolder folder, TestAuthority authority)
    {
        using var certificate = authority.IssueServer();
        Write(folder.Beside("tls.crt"), certificate.ExportCertificatePem());
        Write(folder.Beside("tls.key"), TestAuthority.KeyPem(certificate));
        return ["--Tls:Certificate", folder.Beside("tls.crt"), "--Tls:Key", folder.Beside("tls.key")];
    }

    /// <summary>A client that trusts this authority, with a certificate of its own or none.</summary>
    public static SocketsHttpHandler Handler(TestAuthority server, X509Certificate2? client = null, params X509Certificate2[] intermediates) => new()
    {
        SslOptions =
        {
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { server.Certificate }, RevocationMode = X509RevocationMode.NoCheck },
            ClientCertificateContext = client is null ? null : System.Net.Security.SslStreamCertificateContext.Create(client, [.. intermediates], offline: true),
        },
    };

    /// <summary>Writes a file at one moment, as a mount is swapped.</summary>
    public static void Write(string path, string text)
    {
        File.WriteAllText($"{path}.new", text);
        File.Move($"{path}.new", path, overwrite: true);
    }

    public static Metadata With(string token) => new() { { "authorization", $"Bearer {token}" } };

    /// <summary>What REST says to a question with this token, or without.</summary>
    public static async Task<(HttpStatusCode Status, string Message)> RestAsync(TestServer server, string? token)
    {
        using var request = Question();
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        if (response.StatusCode is not HttpStatusCode.Unauthorized)
        {
            return (response.StatusCode, "");
        }

        var error = JsonDocument.Parse(text).RootElement.GetProperty("error");
        Assert.Equal((401, "UNAUTHENTICATED"), (error.GetProperty("code").GetInt32(), error.GetProperty("status").GetString()));
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().ToString());
        return (response.StatusCode, error.GetProperty("message").GetString()!);
    }

    /// <summary>A question over REST.</summary>
    public static HttpRequestMessage Question() => new(HttpMethod.Post, "/v1/evaluate")
    {
        Content = new StringContent($$"""{"imageDigest":"{{Ask.Attested}}","cluster":"{{Ask.Enforced}}"}""", System.Text.Encoding.UTF8, "application/json"),
    };

    /// <summary>What gRPC says to it.</summary>
    public static async Task<Status> GrpcAsync(TestServer server, string? token)
    {
        using var call = server.Client.EvaluateAsync(Ask.For(Ask.Attested), token is null ? null : With(token), cancellationToken: TestContext.Current.CancellationToken);
        try
        {
            await call;
        }
        catch (RpcException)
        {
            // The status says it.
        }

        return call.GetStatus();
    }

    /// <summary>Both ports refuse it and say this.</summary>
    public static async Task AssertRefused(TestServer server, string? token, string message)
    {
        var (rest, grpc) = (await RestAsync(server, token), await GrpcAsync(server, token));
        Assert.Equal(HttpStatusCode.Unauthorized, rest.Status);
        Assert.Contains(message, rest.Message, StringComparison.Ordinal);
        Assert.Equal((StatusCode.Unauthenticated, rest.Message), (grpc.StatusCode, grpc.Detail));
        foreach (var part in token?.Split('.').Where(part => part.Length > 8) ?? [])
        {
            Assert.DoesNotContain(part, rest.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(server.Log.Lines, line => line.Contains(part, StringComparison.Ordinal));
        }
    }

    /// <summary>Both ports take it.</summary>
    public static async Task AssertTaken(TestServer server, string? token)
    {
        var (rest, grpc) = (await RestAsync(server, token), await GrpcAsync(server, token));
        Assert.Equal((HttpStatusCode.OK, ""), rest);
        Assert.Equal(StatusCode.OK, grpc.StatusCode);
    }
}

/// <summary>Sees who the callers of a server are.</summary>
internal sealed class SeenCallers : IStartupFilter
{
    private Caller? _last;

    public Caller Last => Volatile.Read(ref _last)!;

    public Action<IServiceCollection> Add => services => services.AddSingleton<IStartupFilter>(this);

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => application =>
    {
        application.Use(async (context, rest) =>
        {
            await rest(context);
            // Whoever was refused is nobody.
            if (context.Features.Get<Caller>() is { } caller)
            {
                Volatile.Write(ref _last, caller);
            }
        });
        next(application);
    };
}
