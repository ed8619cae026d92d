using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PolicyService.Api.V1;
using PolicyService.Server.Access;
using PolicyService.Server.Audits;
using PolicyService.Server.Policies;
using PolicyService.Server.Shedding;

namespace PolicyService.Server.Tests;

/// <summary>The service in this process: real Kestrel on a free port of 127.0.0.1, real clients, real files.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly ServerHost _host;
    private readonly GrpcChannel _channel;

    private readonly Func<SocketsHttpHandler> _handler;

    private TestServer(ServerHost host, DocumentsFolder documents, LogLines log, Func<SocketsHttpHandler>? handler)
    {
        (_host, Documents, Log, _handler) = (host, documents, log, handler ?? (() => new SocketsHttpHandler { EnableMultipleHttp2Connections = true }));
        Records = new RecordFile(documents.Beside("records.jsonl"));
        _channel = Connect();
        Client = new PolicyDecisionService.PolicyDecisionServiceClient(_channel);
        Http = new HttpClient(_handler()) { BaseAddress = new Uri(host.HttpUrl) };
    }

    public DocumentsFolder Documents { get; }

    public RecordFile Records { get; }

    public LogLines Log { get; }

    public PolicyDecisionService.PolicyDecisionServiceClient Client { get; }

    public ChannelBase Channel => _channel;

    public HttpClient Http { get; }

    public string GrpcUrl => _host.GrpcUrl;

    public string HttpUrl => _host.HttpUrl;

    public IServiceProvider Services => _host.Application.Services;

    /// <summary>Looks at the documents once more; only for a server whose clock stands still, so that its own looks do not meet this one.</summary>
    public Task PollAsync() => Services.GetServices<IHostedService>().OfType<DocumentsWatcher>().Single().PollAsync(TestContext.Current.CancellationToken);

    /// <param name="documents">Its documents, which it then owns.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="sink">Where its records go instead of a file.</param>
    /// <param name="durable"><c>--Audit:Durable true</c>.</param>
    /// <param name="auditFile">Path of the file of records.</param>
    /// <param name="kms">Where its Cloud KMS answers; without one nothing does.</param>
    /// <param name="interval">How often it reads the state of keys.</param>
    /// <param name="configure">Further changes.</param>
    /// <param name="handler">How its clients connect.</param>
    /// <param name="caller">Who asks, where callers must be somebody; null: everybody may do everything.</param>
    /// <param name="more">Further arguments.</param>
    public static async Task<TestServer> StartAsync(
        DocumentsFolder documents,
        TimeProvider? time = null,
        IRecordSink? sink = null,
        bool durable = false,
        string? auditFile = null,
        string? kms = null,
        string interval = "24h",
        Action<IServiceCollection>? configure = null,
        Func<SocketsHttpHandler>? handler = null,
        Func<HttpContext, Caller>? caller = null,
        params string[] more)
    {
        var log = new LogLines();
        var address = more.Contains("--Tls:Certificate") ? "https://127.0.0.1:0" : "http://127.0.0.1:0";
        string[] arguments =
        [
            "--Policies:Directory", documents.Path, "--Audit:File", auditFile ?? documents.Beside("records.jsonl"),
            "--Audit:Durable", durable ? "true" : "false", "--Urls:Grpc", address, "--Urls:Http", address,
            // Nobody listens on the port of tcpmux: a test must never ask the real one.
            "--Kms:Endpoint", kms ?? "http://127.0.0.1:1", "--Kms:StateInterval", interval, .. more,
        ];
        var host = ServerHost.Build(arguments, time ?? TimeProvider.System, builder =>
        {
            builder.Logging.ClearProviders().AddProvider(log);
            // The threads are those of all tests here: that work waits for one says nothing of this server.
            builder.Services.Remove(builder.Services.Single(service => service.ImplementationType == typeof(WorkWaitProbe)));
            builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));
            if (sink is not null)
            {
                builder.Services.AddSingleton(sink);
            }

            if (caller is not null)
            {
                builder.Services.AddSingleton(new AssertedCallers(caller));
            }

            configure?.Invoke(builder.Services);
        }, requiresCallers: caller is not null);
        await host.Application.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(host, documents, log, handler);
    }

    /// <summary>A connection of its own.</summary>
    public GrpcChannel Connect() => Connect(_handler());

    /// <summary>A connection of its own, in another way.</summary>
    public GrpcChannel Connect(SocketsHttpHandler handler) => GrpcChannel.ForAddress(
        _host.GrpcUrl, new GrpcChannelOptions { MaxSendMessageSize = null, MaxReceiveMessageSize = null, HttpHandler = handler, DisposeHttpClient = true });

    public async Task<EvaluateResponse> AskAsync(EvaluateRequest request) =>
        await Client.EvaluateAsync(request, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>The status of a call that must give no decision.</summary>
    public async Task<Status> RefusalAsync(EvaluateRequest request, DateTime? deadline = null) =>
        (await Assert.ThrowsAsync<RpcException>(async () =>
            await Client.EvaluateAsync(request, deadline: deadline, cancellationToken: TestContext.Current.CancellationToken))).Status;

    public Task<HttpResponseMessage> PostAsync(string body) => PostAsync(new StringContent(body, Encoding.UTF8, "application/json"));

    public Task<HttpResponseMessage> PostAsync(HttpContent content) =>
        Http.PostAsync("/v1/evaluate", content, TestContext.Current.CancellationToken);

    public async Task<(HttpStatusCode Status, JsonElement Body)> ReadyAsync()
    {
        using var response = await Http.GetAsync("/healthz/ready", TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, JsonSerializer.Deserialize<JsonElement>(text));
    }

    public async Task<MetricsPage> MetricsAsync() => new(await Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken));

    /// <summary>Begins the shutdown that SIGTERM begins.</summary>
    public Task StopAsync() => _host.Application.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        Http.Dispose();
        await _host.Application.StopAsync();
        await _host.Application.DisposeAsync();
        Documents.Dispose();
    }
}

/// <summary>A server with the standard documents for the tests of one class that do not change it.</summary>
public sealed class StandardServer : IAsyncLifetime
{
    private TestServer? _server;

    internal TestServer Server => _server!;

    internal Signer Signer { get; } = new();

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(DocumentsFolder.Standard(Signer));

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Signer.Dispose();
    }
}
