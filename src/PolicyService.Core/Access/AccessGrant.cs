namespace PolicyService.Core.Access;

/// <summary>One grant: what of the rules it was that allowed something.</summary>
/// <param name="Member">To whom.</param>
/// <param name="Role">The role; for an evaluator its place in the file, <c>evaluators[N]</c>.</param>
/// <param name="Resource">On what: as the binding names it, or the cluster of the entry.</param>
/// <param name="Source">Where it stands: <see cref="OfFile"/>, or the resource whose IAM policy has it.</param>
public sealed record AccessGrant(string Member, string Role, string Resource, string Source)
{
    /// <summary>The source of what the access file grants.</summary>
    public const string OfFile = "file";

    public override string ToString() => $"{Role} on {Resource} to {Member}";
}

/// <summary>What a caller may do about one cluster.</summary>
/// <param name="MayAsk">It may ask about the cluster at all.</param>
/// <param name="MayNameProject">And about this project there.</param>
/// <param name="Rights">What else, of the entries that allow both.</param>
/// <param name="Grants">Those entries.</param>
public sealed record EvaluatorAccess(bool MayAsk, bool MayNameProject, EvaluatorRights Rights, IReadOnlyList<AccessGrant> Grants)
{
    /// <summary>Nothing.</summary>
    public static EvaluatorAccess None { get; } = new(false, false, EvaluatorRights.None, []);
}
