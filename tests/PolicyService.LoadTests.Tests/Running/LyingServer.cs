using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PolicyService.Api.V1;

namespace PolicyService.LoadTests.Tests.Running;

/// <summary>A real gRPC server of this process on a free port, whose answers a test makes up.</summary>
internal sealed class LyingServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private LyingServer(WebApplication application) => _application = application;

    public Uri Url => new(_application.Urls.Single());

    /// <summary>Makes up the answer to the nth request, from 0; what it throws is the status.</summary>
    public static Task<LyingServer> StartAsync(Func<int, EvaluateRequest, EvaluateResponse> answer) => StartAsync(answer, HttpProtocols.Http2);

    /// <summary>A web server without any gRPC service.</summary>
    public static Task<LyingServer> StartWithoutServiceAsync(HttpProtocols protocols) => StartAsync(null, protocols);

    /// <summary>The answer of a service that allows.</summary>
    public static EvaluateResponse Allow(EvaluateRequest request) => Answer(request, Verdict.Allow);

    public static EvaluateResponse Answer(EvaluateRequest request, Verdict verdict, string etag = "") =>
        new() { Verdict = verdict, ImageDigest = request.ImageDigest, Cluster = request.Cluster, PolicyEtag = etag };

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static async Task<LyingServer> StartAsync(Func<int, EvaluateRequest, EvaluateResponse>? answer, HttpProtocols protocols)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = protocols));
        builder.Services.AddGrpc();
        if (answer is not null)
        {
            builder.Services.AddSingleton(answer).AddSingleton<Lies>();
        }

        var application = builder.Build();
        if (answer is not null)
        {
            application.MapGrpcService<Lies>();
        }

        await application.StartAsync(TestContext.Current.CancellationToken);
        return new LyingServer(application);
    }

    public sealed class Lies(Func<int, EvaluateRequest, EvaluateResponse> answer) : PolicyDecisionService.PolicyDecisionServiceBase
    {
        private int _number = -1;

        public override Task<EvaluateResponse> Evaluate(EvaluateRequest request, ServerCallContext context) => Task.FromResult(Make(request));

        public override Task<EvaluateBatchResponse> EvaluateBatch(EvaluateBatchRequest request, ServerCallContext context)
        {
            var batch = new EvaluateBatchResponse();
            batch.Results.AddRange(request.Requests.Select(item => new EvaluateBatchResult { Response = Make(item) }));
            return Task.FromResult(batch);
        }

        public override async Task EvaluateStream(IAsyncStreamReader<EvaluateStreamRequest> requestStream, IServerStreamWriter<EvaluateStreamResponse> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                await responseStream.WriteAsync(new EvaluateStreamResponse { CorrelationId = requestStream.Current.CorrelationId, Response = Make(requestStream.Current.Request) });
            }
        }

        private EvaluateResponse Make(EvaluateRequest request) => answer(Interlocked.Increment(ref _number), request);
    }
}
