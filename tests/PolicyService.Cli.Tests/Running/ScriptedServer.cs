using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PolicyService.Api.V1;

namespace PolicyService.Cli.Tests.Running;

/// <summary>Answers as a test says. Both calls go through <see cref="Answer"/>; <see cref="Batch"/> can spoil the whole batch.</summary>
public sealed class Script : PolicyDecisionService.PolicyDecisionServiceBase
{
    public required Func<EvaluateRequest, ServerCallContext, Task<EvaluateBatchResult>> Answer { get; init; }

    public Func<EvaluateBatchResponse, EvaluateBatchResponse> Batch { get; init; } = batch => batch;

    public ConcurrentQueue<EvaluateRequest> Requests { get; } = new();

    public ConcurrentQueue<int> BatchSizes { get; } = new();

    public override async Task<EvaluateResponse> Evaluate(EvaluateRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        var result = await Answer(request, context);
        return result.Error is { } error
            ? throw new RpcException(new Status((StatusCode)error.Code, $"{error.Field}: {error.Message}"))
            : result.Response;
    }

    public override async Task<EvaluateBatchResponse> EvaluateBatch(EvaluateBatchRequest request, ServerCallContext context)
    {
        BatchSizes.Enqueue(request.Requests.Count);
        var response = new EvaluateBatchResponse();
        foreach (var item in request.Requests)
        {
            Requests.Enqueue(item);
            response.Results.Add(await Answer(item, context));
        }

        return Batch(response);
    }
}

/// <summary>A real gRPC server of this process on a free port: HTTP/2 without TLS, as the service has it.</summary>
public sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private ScriptedServer(WebApplication application, Script script) => (_application, Script) = (application, script);

    public Script Script { get; }

    public string Url => _application.Urls.Single();

    /// <summary>Gives every image the response, echoed rightly.</summary>
    public static Task<ScriptedServer> StartAsync(EvaluateResponse response) => StartAsync(_ => response);

    /// <summary>Gives each request its response; image and cluster are echoed unless the response names some.</summary>
    public static Task<ScriptedServer> StartAsync(Func<EvaluateRequest, EvaluateResponse> answer) =>
        StartAsync(request => new EvaluateBatchResult { Response = Echo(request, answer(request)) });

    public static Task<ScriptedServer> StartAsync(Func<EvaluateRequest, EvaluateBatchResult> answer) =>
        StartAsync(new Script { Answer = (request, _) => Task.FromResult(answer(request)) });

    /// <summary>Without a script the server has no PolicyDecisionService.</summary>
    public static async Task<ScriptedServer> StartAsync(Script? script, HttpProtocols protocols = HttpProtocols.Http2)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = protocols));
        builder.Services.AddGrpc();
        if (script is not null)
        {
            builder.Services.AddSingleton(script);
        }

        var application = builder.Build();
        if (script is not null)
        {
            application.MapGrpcService<Script>();
        }

        await application.StartAsync(TestContext.Current.CancellationToken);
        return new ScriptedServer(application, script!);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    public static EvaluateResponse Echo(EvaluateRequest request, EvaluateResponse answer)
    {
        var response = answer.Clone();
        response.ImageDigest = response.ImageDigest.Length == 0 ? request.ImageDigest : response.ImageDigest;
        response.Cluster = response.Cluster.Length == 0 ? request.Cluster : response.Cluster;
        return response;
    }
}
