using System.Globalization;
using BenchmarkDotNet.Attributes;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;

namespace PolicyService.Benchmarks;

/// <summary>Allowlists, and what parsing costs at the edge.</summary>
[MemoryDiagnoser]
public class PatternBenchmarks
{
    private static readonly Digest Image = Digest.Of("image"u8);
    private readonly string _reference = $"registry.example/team-7/app-0000007@{Image}";
    private readonly byte[] _payload = SimpleSigningPayload.Write("registry.example/team/app", Image);
    private NamePatternSet _patterns = NamePatternSet.Empty;
    private string _matchText = "";

    [Params(10, 100_000)]
    public int Patterns { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _patterns = new NamePatternSet(Enumerable.Range(0, Patterns).Select(number =>
            NamePattern.TryParse(string.Create(CultureInfo.InvariantCulture, $"registry.example/allowed-{number:D6}/*"), out var pattern) ? pattern : throw new InvalidOperationException()));
        _matchText = ImageReference.TryParse(_reference, out var image) ? image.MatchText : throw new InvalidOperationException();
    }

    /// <summary>What most images are: on no allowlist.</summary>
    [Benchmark]
    public NamePattern? MatchNothing() => _patterns.Match(_matchText);

    [Benchmark]
    public NamePattern? MatchLast() => _patterns.Match("registry.example/allowed-000009/app:1");

    [Benchmark]
    public bool ParseReference() => ImageReference.TryParse(_reference, out _);

    [Benchmark]
    public bool ParsePayload() => SimpleSigningPayload.TryParse(_payload, out _, out _);
}
