using System.Collections.Concurrent;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Before its revocation an image is allowed; past the bound it is not; in between it may be either.</summary>
internal sealed class RevocableQuestions(TestImage[] images, TimeProvider time) : Questions
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
        if (response.Verdict is not Verdict.Allow || age > ChangeScenarios.Bound)
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
