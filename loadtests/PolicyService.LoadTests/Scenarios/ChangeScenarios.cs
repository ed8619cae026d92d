using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PolicyService.LoadTests.Documents;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Documents that change under load. No answer may be one that no version of them allows, and none may be older than promised.</summary>
internal static class ChangeScenarios
{
    /// <summary>How soon a change is in force (docs/operations.md).</summary>
    public static readonly TimeSpan Promised = TimeSpan.FromSeconds(1);

    /// <summary>A machine that others use may be late; an answer older than this is wrong on any.</summary>
    public static readonly TimeSpan Bound = 5 * Promised;

    private const int RevocableImages = 5000;
    private const int RevokedAtOnce = 20;
    private static readonly TimeSpan SwapInterval = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan StormInterval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);
    private static readonly string[] Clusters = ["europe-west1.a", "europe-west1.b"];

    public static async Task<PreparedScenario> SwapAsync(TestBed bed, CancellationToken cancellation)
    {
        string[] versions = [.. Clusters.Select(RunDocuments.FixedPolicy)];
        var served = await ServedDocuments.StartAsync(
            SigningKey.P256(), (documents, _) => documents.Write("policy.json", versions[0]), StartTime, bed.Time, cancellation);
        var questions = new SwappedQuestions(Clusters.ToDictionary(cluster => EtagOf(RunDocuments.FixedPolicy(cluster))));
        return new(bed.Unary(served.Server, questions))
        {
            Meanwhile = ending => EveryAsync(SwapInterval, bed.Time, number => served.Documents.Write("policy.json", versions[number % 2]), ending),
            Notes = () => [$"{questions.Changes} changes of the policy seen in answers, {questions.Seen} versions"],
            Owned = [served],
        };
    }

    public static async Task<PreparedScenario> StormAsync(TestBed bed, CancellationToken cancellation)
    {
        TestImage[] images = [.. Enumerable.Range(0, RevocableImages).Select(number => new TestImage(number))];
        var served = await bed.ServeAsync(RevocableImages, cancellation);
        var questions = new RevocableQuestions(images, bed.Time);
        return new(bed.Unary(served.Server, questions))
        {
            Meanwhile = ending => EveryAsync(StormInterval, bed.Time, number =>
            {
                TestImage[] revoked = [.. images.Take((number + 1) * RevokedAtOnce)];
                served.Documents.WriteRevocations(revoked);
                questions.Revoked(revoked);
            }, ending),
            Notes = () => [string.Create(CultureInfo.InvariantCulture, $"{questions.Count} images revoked; last ALLOW {questions.Latest.TotalMilliseconds:0} ms after its revocation was written (promised {Promised.TotalMilliseconds:0} ms, wrong beyond {Bound.TotalMilliseconds:0} ms)")],
            Owned = [served],
        };
    }

    /// <summary>The etag of a policy in a directory is the digest of its document.</summary>
    private static string EtagOf(string document) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document)))}";

    private static async Task EveryAsync(TimeSpan interval, TimeProvider time, Action<int> change, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            for (var number = 0; await timer.WaitForNextTickAsync(cancellation); number++)
            {
                change(number);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The run is over.
        }
    }
}
