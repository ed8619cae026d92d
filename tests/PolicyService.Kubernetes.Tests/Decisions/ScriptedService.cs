using System.Collections.Concurrent;
using System.Threading.Channels;
using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>A service whose every answer a test chooses, without a network.</summary>
internal sealed class ScriptedService : PolicyDecisionService.PolicyDecisionServiceClient
{
    /// <summary>Questions so far, with their deadlines.</summary>
    public ConcurrentQueue<(EvaluateBatchRequest Request, DateTime Deadline)> Asked { get; } = [];

    /// <summary>What it answers.</summary>
    public Func<EvaluateBatchRequest, EvaluateBatchResponse> Answer { get; set; } = batch => Results(batch, request => Response(request, Verdict.Allow));

    public ScriptedWatch Watch { get; } = new();

    public override AsyncUnaryCall<EvaluateBatchResponse> EvaluateBatchAsync(EvaluateBatchRequest request, CallOptions options)
    {
        Asked.Enqueue((request, options.Deadline ?? DateTime.MaxValue));
        return new AsyncUnaryCall<EvaluateBatchResponse>(Task.Run(() => Answer(request)), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }

    public override AsyncUnaryCall<EvaluateBatchResponse> EvaluateBatchAsync(EvaluateBatchRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
        EvaluateBatchAsync(request, new CallOptions(headers, deadline, cancellationToken));

    /// <summary>It fails so from now on.</summary>
    public void Fail(StatusCode code, Exception? cause = null) => Answer = _ => throw new RpcException(new Status(code, "the test says so", cause));

    public static EvaluateBatchResponse Results(EvaluateBatchRequest batch, Func<EvaluateRequest, EvaluateResponse> answer) =>
        new() { Results = { batch.Requests.Select(request => new EvaluateBatchResult { Response = answer(request) }) } };

    public static EvaluateBatchResponse Errors(EvaluateBatchRequest batch, StatusCode code) =>
        new() { Results = { batch.Requests.Select(_ => new EvaluateBatchResult { Error = new Error { Code = (int)code, Field = "image_digest", Message = "image_digest: the test says so" } }) } };

    public static EvaluateResponse Response(EvaluateRequest request, Verdict verdict) => new()
    {
        Verdict = verdict,
        ImageDigest = request.ImageDigest,
        Cluster = request.Cluster,
        Reasons = { new Reason { Text = $"Image {request.ImageDigest} is judged\u0007 by the test.", Remedy = "sign it" } },
    };
}

/// <summary>The stream of changes of a scripted service, and the reports it was sent.</summary>
internal sealed class ScriptedWatch : ClusterService.ClusterServiceClient
{
    private readonly Channel<WatchChangesResponse> _messages = Channel.CreateUnbounded<WatchChangesResponse>();
    private int _opened;

    /// <summary>How often it was opened.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Reports so far.</summary>
    public ConcurrentQueue<ReportFindingsRequest> Reported { get; } = [];

    /// <summary>What it answers to a report.</summary>
    public Func<ReportFindingsRequest, ReportFindingsResponse> Report { get; set; } = Recorded;

    /// <summary>The answer that every finding is recorded.</summary>
    public static ReportFindingsResponse Recorded(ReportFindingsRequest request) => new() { Results = { request.Findings.Select(finding => new FindingResult { Id = finding.Id }) } };

    /// <summary>Says this next.</summary>
    public void Say(ClusterPosture posture) => _messages.Writer.TryWrite(new WatchChangesResponse { Posture = posture });

    public override AsyncServerStreamingCall<WatchChangesResponse> WatchChanges(WatchChangesRequest request, CallOptions options)
    {
        Interlocked.Increment(ref _opened);
        return new AsyncServerStreamingCall<WatchChangesResponse>(new Reader(_messages.Reader), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }

    public override AsyncServerStreamingCall<WatchChangesResponse> WatchChanges(WatchChangesRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
        WatchChanges(request, new CallOptions(headers, deadline, cancellationToken));

    public override AsyncUnaryCall<ReportFindingsResponse> ReportFindingsAsync(ReportFindingsRequest request, CallOptions options)
    {
        Reported.Enqueue(request);
        return new AsyncUnaryCall<ReportFindingsResponse>(Task.Run(() => Report(request)), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }

    public override AsyncUnaryCall<ReportFindingsResponse> ReportFindingsAsync(ReportFindingsRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
        ReportFindingsAsync(request, new CallOptions(headers, deadline, cancellationToken));

    private sealed class Reader(ChannelReader<WatchChangesResponse> messages) : IAsyncStreamReader<WatchChangesResponse>
    {
        public WatchChangesResponse Current { get; private set; } = new();

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            Current = await messages.ReadAsync(cancellationToken);
            return true;
        }
    }
}
