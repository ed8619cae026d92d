using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Cli.Tests.Running;
using PolicyService.Tests.OpenId;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>What policyctl shows a server, and what it never does.</summary>
public sealed class CredentialsTests : IDisposable
{
    private const string Token = "header.claims.signature";

    private readonly Folder _folder = new();
    private readonly TestAuthority _authority = new();

    private static EvaluateResponse Allowed => new() { Verdict = Verdict.Allow, Conformance = Conformance.Conformant };

    [Fact]
    public async Task Token_of_a_file_is_sent()
    {
        var sent = new ConcurrentQueue<string?>();
        await using var server = await ScriptedServer.StartAsync(Noting(sent));

        var run = await Policyctl.RunHereAsync("evaluate", Samples.Image, "--cluster", "a.b", "--server", server.Url, "--token-file", _folder.Write("token", $"{Token}\n"));

        Assert.Equal((0, $"Bearer {Token}"), (run.ExitCode, Assert.Single(sent)));
        Assert.DoesNotContain(Token, run.Text + run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_of_the_environment_is_sent_and_the_file_wins()
    {
        var sent = new ConcurrentQueue<string?>();
        await using var server = await ScriptedServer.StartAsync(Noting(sent));
        string[] arguments = ["evaluate", Samples.Image, "--cluster", "a.b", "--server", server.Url];
        var environment = new Dictionary<string, string> { ["POLICYCTL_TOKEN"] = "a.b.c" };

        Assert.Equal(0, (await Policyctl.RunAsync(arguments, environment)).ExitCode);
        Assert.Equal(0, (await Policyctl.RunAsync([.. arguments, "--token-file", _folder.Write("token", Token)], environment)).ExitCode);

        Assert.Equal(["Bearer a.b.c", $"Bearer {Token}"], sent);
    }

    [Fact]
    public async Task Token_is_read_anew_for_each_call()
    {
        var sent = new ConcurrentQueue<string?>();
        await using var server = await ScriptedServer.StartAsync(Noting(sent));
        var file = _folder.Write("token", "first");
        using var channel = PolicyDecisionChannel.Open(new Uri(server.Url), new ClientCredentials { Token = ClientCredentials.TokenOfFile(file) });
        var client = new PolicyDecisionService.PolicyDecisionServiceClient(channel);

        await client.EvaluateAsync(new EvaluateRequest(), cancellationToken: TestContext.Current.CancellationToken);
        File.WriteAllText(file, "second");
        await client.EvaluateAsync(new EvaluateRequest(), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(["Bearer first", "Bearer second"], sent);
    }

    [Fact]
    public async Task No_token_is_sent_where_none_is_given()
    {
        var sent = new ConcurrentQueue<string?>();
        await using var server = await ScriptedServer.StartAsync(Noting(sent));

        Assert.Equal(0, (await Policyctl.RunHereAsync("evaluate", Samples.Image, "--cluster", "a.b", "--server", server.Url)).ExitCode);

        Assert.Null(Assert.Single(sent));
    }

    [Fact]
    public async Task Token_is_not_sent_over_http_to_another_machine()
    {
        // 192.0.2.0/24 is nobody's (RFC 5737), and nothing is sent there.
        var file = _folder.Write("token", Token);
        var run = await Policyctl.RunHereAsync("evaluate", Samples.Image, "--cluster", "a.b", "--server", "http://192.0.2.1:50051", "--token-file", file);

        Assert.Equal((2, "policyctl: --server http://192.0.2.1:50051: a token is not sent over http:// to another machine: use https://"), (run.ExitCode, Assert.Single(run.ErrorLines)));
        var fromEnvironment = await Policyctl.RunAsync(["evaluate", Samples.Image, "--cluster", "a.b", "--server", "http://192.0.2.1:50051"], new Dictionary<string, string> { ["POLICYCTL_TOKEN"] = Token });
        Assert.Equal(2, fromEnvironment.ExitCode);
        var exception = Assert.Throws<CredentialsException>(() => PolicyDecisionChannel.Open(new Uri("http://192.0.2.1:50051"), new ClientCredentials { Token = ClientCredentials.TokenOfFile(file) }));
        Assert.Contains("use https://", exception.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Misused => new()
    {
        { "--server http://127.0.0.1:1 --token-file {dir}/none", "there is no file" },
        { "--server http://127.0.0.1:1 --token-file {dir}/empty", "--token-file holds no token" },
        { "--server http://127.0.0.1:1 --token-file {dir}/lines", "--token-file holds no token" },
        { "--server https://127.0.0.1:1 --ca {dir}/none", "cannot be read" },
        { "--server https://127.0.0.1:1 --ca {dir}/empty", "holds no certificate" },
        { "--server https://127.0.0.1:1 --client-certificate {dir}/ca.pem", "belong together" },
        { "--server https://127.0.0.1:1 --client-key {dir}/ca.pem", "belong together" },
        { "--server https://127.0.0.1:1 --client-certificate {dir}/ca.pem --client-key {dir}/lines", "are no certificate and its private key" },
        { "--server http://127.0.0.1:1 --ca {dir}/ca.pem", "certificates mean nothing over http://" },
        { "--policies {dir} --token-file {dir}/token", "use it with --server" },
        { "--policies {dir} --ca {dir}/ca.pem", "use it with --server" },
    };

    [Theory, MemberData(nameof(Misused))]
    public async Task Credentials_that_cannot_be_meant_are_wrong_usage(string arguments, string message)
    {
        var directory = Path.GetDirectoryName(_folder.Write("token", Token))!;
        _folder.Write("empty", "");
        _folder.Write("lines", "one line\nanother line");
        _folder.Write("ca.pem", _authority.Pem);

        var run = await Policyctl.RunHereAsync(["evaluate", Samples.Image, "--cluster", "a.b", .. arguments.Replace("{dir}", directory, StringComparison.Ordinal).Split(' ')]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("another line", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_is_known_by_its_authority_and_knows_the_client_by_its_certificate()
    {
        using var own = _authority.IssueServer();
        using var client = _authority.Issue(new CertificateText { Subject = "CN=pipeline" });
        using var stranger = new TestAuthority("Stranger");
        var shown = new ConcurrentQueue<string?>();
        await using var server = await StartTlsAsync(own, shown);
        string[] arguments = ["evaluate", Samples.Image, "--cluster", "a.b", "--server", server.Urls.Single()];
        string[] pair = ["--client-certificate", _folder.Write("client.pem", client.ExportCertificatePem()), "--client-key", _folder.Write("client.key", TestAuthority.KeyPem(client))];

        var run = await Policyctl.RunHereAsync([.. arguments, "--ca", _folder.Write("ca.pem", _authority.Pem), .. pair]);

        Assert.Equal((0, "CN=pipeline"), (run.ExitCode, Assert.Single(shown)));
        foreach (var other in new string[][] { [], ["--ca", _folder.Write("stranger.pem", stranger.Pem)] })
        {
            var refused = await Policyctl.RunHereAsync([.. arguments, .. other, .. pair]);
            Assert.Equal(3, refused.ExitCode);
            Assert.Contains("cannot be reached", refused.Error, StringComparison.Ordinal);
        }

        Assert.Single(shown);
    }

    [Fact]
    public async Task Refused_caller_is_told_what_the_server_says()
    {
        await using var server = await ScriptedServer.StartAsync(new Script { Answer = (_, _) => throw new RpcException(new Status(StatusCode.Unauthenticated, "the token has expired")) });

        var run = await Policyctl.RunHereAsync("evaluate", Samples.Image, "--cluster", "a.b", "--server", server.Url);

        Assert.Equal((3, $"policyctl: {server.Url} refuses this caller: the token has expired"), (run.ExitCode, Assert.Single(run.ErrorLines)));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    private static Script Noting(ConcurrentQueue<string?> sent) => new()
    {
        Answer = (request, context) =>
        {
            sent.Enqueue(context.RequestHeaders.GetValue("authorization"));
            return Task.FromResult(new EvaluateBatchResult { Response = ScriptedServer.Echo(request, Allowed) });
        },
    };

    private static async Task<WebApplication> StartTlsAsync(X509Certificate2 certificate, ConcurrentQueue<string?> shown)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(certificate, https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (client, _, _) => client.Subject.Length > 0;
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Script
        {
            Answer = (request, context) =>
            {
                shown.Enqueue(context.GetHttpContext().Connection.ClientCertificate?.Subject);
                return Task.FromResult(new EvaluateBatchResult { Response = ScriptedServer.Echo(request, Allowed) });
            },
        });
        var application = builder.Build();
        application.MapGrpcService<Script>();
        await application.StartAsync(TestContext.Current.CancellationToken);
        return application;
    }
}
