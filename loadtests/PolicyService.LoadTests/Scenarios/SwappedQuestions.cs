using System.Collections.Concurrent;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>The answer says which version decided, and must be what that version says.</summary>
/// <param name="allowedBy">The one cluster that a version of the policy allows images on, by its etag.</param>
internal sealed class SwappedQuestions(IReadOnlyDictionary<string, string> allowedBy) : Questions
{
    private readonly Question[] _questions = [.. allowedBy.Values.Select((cluster, number) => new TestImage(number).Ask(Verdict.Unspecified, cluster))];
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
