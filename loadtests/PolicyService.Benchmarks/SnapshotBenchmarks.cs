using BenchmarkDotNet.Attributes;
using PolicyService.Core.Policies;

namespace PolicyService.Benchmarks;

/// <summary>A change of the documents: everything is compiled anew, whatever changed.</summary>
[MemoryDiagnoser]
public class SnapshotBenchmarks
{
    private IReadOnlyList<ParsedDocument> _files = [];

    [GlobalSetup]
    public void SetUp() => _files = new BenchmarkDocuments().Files(100_000);

    [Benchmark]
    public PolicySnapshot Build100000Rules() => PolicySnapshot.Build(DocumentFiles.Assemble(_files, []), 1);
}
