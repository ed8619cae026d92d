namespace PolicyService.LoadTests.Calls;

/// <summary>What one call gave.</summary>
/// <param name="Decisions">Right decisions in it: one, the images of a batch, or none.</param>
/// <param name="Error">Why there is no decision, in a word that can be counted: <c>grpc-status 8</c>; null: there is one.</param>
/// <param name="WrongVerdict">How a decision differs from the expected one; null: it does not.</param>
internal readonly record struct Answer(int Decisions, string? Error = null, string? WrongVerdict = null)
{
    public static Answer Failed(string error) => new(0, error);

    public static Answer Wrong(string difference) => new(0, null, difference);
}

/// <summary>A way to ask a server something. Many calls may be under way on one at the same time.</summary>
internal interface ICaller
{
    /// <summary>Decisions that one call asks for.</summary>
    int DecisionsPerCall { get; }

    /// <summary>Asks once. What goes wrong is in the answer; only the end of the run is thrown.</summary>
    /// <exception cref="OperationCanceledException">The run has ended.</exception>
    ValueTask<Answer> AskAsync(CancellationToken cancellation);
}
