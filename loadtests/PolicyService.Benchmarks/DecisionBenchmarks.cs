using BenchmarkDotNet.Attributes;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Evidence;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Verification;
using PolicyService.Server.Audits;

namespace PolicyService.Benchmarks;

/// <summary>The hops of a decision whose evidence is in memory, and its record (ARCHITECTURE sections 2 and 6).</summary>
[MemoryDiagnoser]
public class DecisionBenchmarks
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private static readonly SnapshotAge Age = new(false, TimeSpan.Zero, Now);
    private readonly RecordBuffer _buffer = new(64 * 1024);
    private EvidenceCollector _collector = null!;
    private PolicySnapshot _snapshot = null!;
    private EvaluationRequest _request = null!;
    private Selection _selection = null!;
    private EvidenceSet _evidence = null!;
    private DecisionRecord _record = null!;

    /// <summary>A look-up must not notice.</summary>
    [Params(10, 100_000)]
    public int Rules { get; set; }

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var documents = new BenchmarkDocuments();
        (_snapshot, _request) = (documents.Snapshot(Rules), documents.Request with { Project = "acme" });
        _collector = new EvidenceCollector(new VerifiedSignatures(), new PublicKeyCache(NoKeyManagement.Instance, NoSharedCache.Instance, new KeyMetrics(), TimeProvider.System));
        _selection = Select();
        _evidence = await CollectAsync();
        var decision = Evaluate();
        if (decision.Verdict is not Verdict.Allow)
        {
            // A denial takes another way.
            throw new InvalidOperationException($"{decision.Verdict}: {string.Join(", ", decision.Reasons)}");
        }

        _record = new DecisionRecord(Guid.Empty.ToString(), _request, decision, 1, "anonymous");
    }

    [Benchmark]
    public Selection Select() => ((SelectionResult.Selected)_snapshot.Select(_request, Age)).Selection;

    /// <summary>All in memory: the signature was verified before.</summary>
    [Benchmark]
    public async ValueTask<EvidenceSet> CollectAsync() => await _collector.CollectAsync(_snapshot, _selection, Now, 0, "", Now, CancellationToken.None);

    [Benchmark]
    public Decision Evaluate() => Evaluator.Evaluate(_selection, _evidence, Now);

    [Benchmark]
    public int WriteRecord()
    {
        _buffer.Clear();
        _record.WriteTo(_buffer);
        return _buffer.Written.Length;
    }
}
