using System.Collections.Concurrent;
using PolicyService.LoadTests.Calls;

namespace PolicyService.LoadTests.Measuring;

/// <summary>What went wrong in a run, by kind, with some examples for people.</summary>
internal sealed class Tally
{
    private const int MaxExamples = 3;
    private readonly ConcurrentDictionary<string, long> _kinds = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _examples = new();
    private long _errors;
    private long _wrongVerdicts;

    /// <summary>Calls without a decision: a gRPC status other than OK, which is HTTP 200 as well, or no answer.</summary>
    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>Answers that are not what the documents say.</summary>
    public long WrongVerdicts => Interlocked.Read(ref _wrongVerdicts);

    public bool IsClean => Errors == 0 && WrongVerdicts == 0;

    /// <summary>How many of which kind.</summary>
    public IReadOnlyDictionary<string, long> Kinds => _kinds;

    public IEnumerable<string> Examples => _examples;

    public void Count(Answer answer)
    {
        if (answer.Error is { } error)
        {
            Interlocked.Increment(ref _errors);
            _kinds.AddOrUpdate(error, 1, (_, count) => count + 1);
        }

        if (answer.WrongVerdict is { } wrong)
        {
            Interlocked.Increment(ref _wrongVerdicts);
            _kinds.AddOrUpdate("wrong verdict", 1, (_, count) => count + 1);
            if (_examples.Count < MaxExamples)
            {
                _examples.Enqueue(wrong);
            }
        }
    }
}
