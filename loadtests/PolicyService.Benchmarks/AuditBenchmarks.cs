using BenchmarkDotNet.Attributes;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Server.Audits;
using PolicyService.Server.Decisions;
using PolicyService.Server.Policies;
using Prometheus;

namespace PolicyService.Benchmarks;

/// <summary>What a decision costs beside itself: its id, its counters, and the way of its record to the writer. Writing the record is among the hops.</summary>
[MemoryDiagnoser]
public class AuditBenchmarks
{
    private const int Group = 512;
    private readonly DateTimeOffset _now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private readonly RecordQueue _queue = new();
    private readonly RecordGroup _group = new();
    private readonly RecordBuffer _line = new(64 * 1024);
    private readonly DecisionMetrics _metrics = new(Metrics.NewCustomRegistry(), new SnapshotInForce(), TimeProvider.System);
    private readonly Decision _decision = new(Verdict.Allow, Conformance.Conformant, [new Reason(ReasonCode.Attested, "")]) { Project = "acme", EvaluateTime = default };
    private DecisionRecord _record = null!;

    [GlobalSetup]
    public void SetUp() => _record = new DecisionRecord(NextId(), new BenchmarkDocuments().Request, _decision, 1, "anonymous");

    [Benchmark]
    public string NextId() => DecisionIds.Next(_now);

    /// <summary>One histogram and one counter.</summary>
    [Benchmark]
    public void Count() => _metrics.Count(_decision, TimeSpan.FromMicroseconds(50));

    /// <summary>Written, into the queue and out of it, on one thread.</summary>
    [Benchmark(OperationsPerInvoke = Group)]
    public int HandOver()
    {
        for (var index = 0; index < Group; index++)
        {
            _line.Clear();
            _record.WriteTo(_line);
            _queue.TryAdd(_line.Written);
        }

        _group.Clear();
        _queue.Take(_group);
        return _group.PlainCount;
    }
}
