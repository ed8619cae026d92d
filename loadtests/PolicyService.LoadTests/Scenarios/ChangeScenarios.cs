using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
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

    /// <summary>The answer says which version decided, and must be what that version says.</summary>
    private sealed class SwappedQuestions(Dictionary<string, string> allowedBy) : Questions
    {
        private readonly Question[] _questions = [.. Clusters.Select((cluster, number) => new TestImage(number).Ask(Verdict.Unspecified, cluster))];
        private readonly ConcurrentDictionary<string, bool> _seen = new(StringComparer.Ordinal);
        private string _last = "";
        private int _changes;
        private int _next;

        public int Changes => Volatile.Read(ref _changes);

        public int Seen => _seen.Count;

        public override Question Next() => _questions[(uint)Interlocked.Increment(ref _next) % (uint)_questions.Length];

        public override string? Flaw(Question question, EvaluateResponse response, long askedAt)
        {
            if (!allowedBy.TryGetValue(response.PolicyEtag, out var allowed))
            {
                return $"no version of the policy has the etag {response.PolicyEtag}";
            }

            _seen.TryAdd(response.PolicyEtag, true);
            if (Interlocked.Exchange(ref _last, response.PolicyEtag) is { Length: > 0 } last && last != response.PolicyEtag)
            {
                Interlocked.Increment(ref _changes);
            }

            return FlawOf(question, response, question.Request.Cluster == allowed ? Verdict.Allow : Verdict.Deny);
        }
    }

    /// <summary>Before its revocation an image is allowed; past the bound it is not; in between it may be either.</summary>
    private sealed class RevocableQuestions(TestImage[] images, TimeProvider time) : Questions
    {
        private readonly Question[] _questions = [.. images.Select(image => image.Ask(Verdict.Allow))];
        private readonly ConcurrentDictionary<string, long> _revoked = new(StringComparer.Ordinal);
        private long _latest;
        private int _next;

        public int Count => _revoked.Count;

        public TimeSpan Latest => TimeSpan.FromTicks(Interlocked.Read(ref _latest));

        public void Revoked(IEnumerable<TestImage> revoked)
        {
            var now = time.GetTimestamp();
            foreach (var image in revoked)
            {
                _revoked.TryAdd(image.Reference, now);
            }
        }

        // The first thousands are revoked one after the other: they are asked as often as the rest, so that a late answer is seen.
        public override Question Next() => _questions[(uint)Interlocked.Increment(ref _next) % (uint)_questions.Length];

        public override string? Flaw(Question question, EvaluateResponse response, long askedAt)
        {
            if (!_revoked.TryGetValue(question.Request.ImageDigest, out var revokedAt))
            {
                // Written, and not noted yet: the service may know before we do.
                return response.Verdict is Verdict.Deny && response.Reasons.Any(reason => reason.Code is ReasonCode.Revoked) ? FlawOf(question, response, Verdict.Deny) : FlawOf(question, response, Verdict.Allow);
            }

            var age = time.GetElapsedTime(revokedAt, askedAt);
            if (response.Verdict is not Verdict.Allow || age > Bound)
            {
                return FlawOf(question, response, Verdict.Deny);
            }

            for (var known = Interlocked.Read(ref _latest); age.Ticks > known; known = Interlocked.Read(ref _latest))
            {
                Interlocked.CompareExchange(ref _latest, age.Ticks, known);
            }

            return FlawOf(question, response, Verdict.Allow);
        }
    }
}
