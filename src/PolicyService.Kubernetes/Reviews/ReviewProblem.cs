namespace PolicyService.Kubernetes.Reviews;

/// <summary>Why a review is refused without asking anybody.</summary>
/// <param name="Code">HTTP status that the user of the cluster sees (KUBERNETES.md: a missing one becomes 400).</param>
/// <param name="Reason">The reason as Kubernetes names it, e.g. <c>BadRequest</c>.</param>
/// <param name="Message">For people: what is wrong, its value, and the remedy; no control characters.</param>
public sealed record ReviewProblem(int Code, string Reason, string Message)
{
    /// <summary>The review, or the object in it, is not what it must be.</summary>
    public static ReviewProblem Malformed(string message) => new(StatusCodes.Status400BadRequest, "BadRequest", message);

    /// <summary>The object must not be admitted.</summary>
    public static ReviewProblem Forbidden(string message) => new(StatusCodes.Status403Forbidden, "Forbidden", message);

    /// <summary>The review is longer than what is read.</summary>
    public static ReviewProblem TooLarge(string message) => new(StatusCodes.Status413PayloadTooLarge, "RequestEntityTooLarge", message);

    /// <summary>The cluster's time for the webhook ran out.</summary>
    public static ReviewProblem Late(string message) => new(StatusCodes.Status504GatewayTimeout, "Timeout", message);
}

/// <summary>Ends the reading of a review; caught where the answer is written, so that nothing half read is ever judged.</summary>
internal sealed class ReviewException(ReviewProblem problem) : Exception(problem.Message)
{
    public ReviewProblem Problem => problem;
}
