using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Findings;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>What waits in the journal when the adapter is told to stop.</summary>
public sealed class ForwarderTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("attack", "106")]
    public async Task Stop_waits_until_the_service_has_the_findings()
    {
        await using var bench = await Bench.StartAsync();
        var service = new Reports();
        using var forwarder = NewForwarder(bench, service, TimeSpan.FromMinutes(5));
        await AddAsync(bench);
        await forwarder.StartAsync(Cancellation);
        await service.Asked.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        var stopping = forwarder.StopAsync(Cancellation);
        service.IsThere = true;
        await stopping.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        Assert.Equal(0, bench.Journal.Lines);
    }

    [Fact]
    public async Task Stop_does_not_wait_without_end_and_loses_nothing()
    {
        await using var bench = await Bench.StartAsync();
        using var forwarder = NewForwarder(bench, new Reports(), TimeSpan.FromMilliseconds(300));
        await AddAsync(bench);
        await forwarder.StartAsync(Cancellation);

        await forwarder.StopAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        Assert.Equal(1, bench.Journal.Lines);
    }

    private static FindingForwarder NewForwarder(Bench bench, Reports service, TimeSpan time) =>
        new(bench.Journal, service, bench.Settings with { ForwardTime = time }, bench.Watch, bench.Metrics, TimeProvider.System, NullLogger<FindingForwarder>.Instance);

    private static async Task AddAsync(Bench bench) => Assert.Null(await bench.Journal.AddAsync([new Finding { Id = Guid.NewGuid().ToString(), Image = Bench.Image }], 1, Cancellation));

    /// <summary>A service that takes reports, or is away.</summary>
    private sealed class Reports : ClusterService.ClusterServiceClient
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isThere;

        public bool IsThere
        {
            set => _isThere = value;
        }

        public Task Asked => _asked.Task;

        public override AsyncUnaryCall<ReportFindingsResponse> ReportFindingsAsync(ReportFindingsRequest request, CallOptions options)
        {
            _asked.TrySetResult();
            var answer = _isThere
                ? Task.FromResult(new ReportFindingsResponse { Results = { request.Findings.Select(finding => new FindingResult { Id = finding.Id }) } })
                : Task.FromException<ReportFindingsResponse>(new RpcException(new Status(StatusCode.Unavailable, "the test says so")));
            return new AsyncUnaryCall<ReportFindingsResponse>(answer, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
        }

        public override AsyncUnaryCall<ReportFindingsResponse> ReportFindingsAsync(ReportFindingsRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            ReportFindingsAsync(request, new CallOptions(headers, deadline, cancellationToken));
    }
}
