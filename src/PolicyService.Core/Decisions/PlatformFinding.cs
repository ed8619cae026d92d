using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>What the check sets of a platform policy found about one image of one pod, step by step (SEMANTICS section 2).</summary>
/// <param name="Conformance">The whole.</param>
public sealed record PlatformFinding(Conformance Conformance)
{
    /// <summary>The pattern of the policy's allowlist that spared the image; null if none did.</summary>
    public NamePattern? Allowlisted { get; init; }

    /// <summary>The one check set that was consulted; null if the allowlist spared the image, or no set is for the pod.</summary>
    public CheckSetFinding? CheckSet { get; init; }

    /// <summary>The oldest of what counted from the archive; null: no source was down.</summary>
    public DateTimeOffset? LastSeen => CheckSet?.Results.Min(result => result.LastSeen);
}

/// <summary>What one check set found.</summary>
/// <param name="Index">Its place in the policy, from 0.</param>
/// <param name="Set">The set.</param>
/// <param name="Allowlisted">The pattern of its allowlist that spared the image; null if none did.</param>
/// <param name="Results">One result for each check of the set, in its order; none where the allowlist spared the image.</param>
public sealed record CheckSetFinding(int Index, CheckSet Set, NamePattern? Allowlisted, IReadOnlyList<CheckResult> Results);
