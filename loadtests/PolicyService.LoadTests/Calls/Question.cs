using PolicyService.Api.V1;

namespace PolicyService.LoadTests.Calls;

/// <summary>One request and what the documents say to it.</summary>
/// <param name="Request">The request; never changed.</param>
/// <param name="Expected">The verdict that follows from the documents; unspecified where the questions themselves know more.</param>
internal sealed record Question(EvaluateRequest Request, Verdict Expected)
{
    /// <summary>The request framed for a unary call.</summary>
    public byte[] Frame { get; } = GrpcFrame.Of(Request);
}

/// <summary>What is asked, again and again, and what is right.</summary>
internal abstract class Questions
{
    /// <summary>The next one; callable by many threads.</summary>
    public abstract Question Next();

    /// <summary>How the answer differs from what is right; null: it does not.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="response">The answer.</param>
    /// <param name="askedAt">Timestamp of <see cref="TimeProvider"/> from before the request was sent.</param>
    public virtual string? Flaw(Question question, EvaluateResponse response, long askedAt) => FlawOf(question, response, question.Expected);

    protected static string? FlawOf(Question question, EvaluateResponse response, Verdict expected)
    {
        var request = question.Request;
        // A mixed-up answer would admit an image that nobody judged: SEMANTICS section 3 makes it a denial.
        return response.ImageDigest != request.ImageDigest || response.Cluster != request.Cluster ? $"asked about {request.ImageDigest} on {request.Cluster}, answered about {response.ImageDigest} on {response.Cluster}"
            : response.Verdict != expected ? $"{request.ImageDigest} on {request.Cluster}: expected {expected}, got {response.Verdict} ({string.Join(", ", response.Reasons.Select(reason => reason.Text))})"
            : null;
    }
}

/// <summary>Questions in a ring.</summary>
internal sealed class RepeatedQuestions(IReadOnlyList<Question> questions) : Questions
{
    private long _asked;

    /// <summary>How often one was asked for.</summary>
    public long Asked => Interlocked.Read(ref _asked);

    public override Question Next() => questions[(int)((Interlocked.Increment(ref _asked) - 1) % questions.Count)];
}
