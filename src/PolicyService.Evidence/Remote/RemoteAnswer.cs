using PolicyService.Core.Attestations;

namespace PolicyService.Evidence.Remote;

/// <summary>What is known of one question to a source elsewhere.</summary>
/// <param name="Items">What it has; where it failed, what it said before.</param>
/// <param name="IsCut">There is more, beyond the limits: what it would say is unknown.</param>
/// <param name="Failure">Why this is not all.</param>
public sealed record RemoteAnswer(IReadOnlyList<RemoteItem> Items, bool IsCut, RemoteFailure Failure)
{
    /// <summary>When the reading of the source began.</summary>
    public DateTimeOffset ReadAt { get; init; }

    /// <summary>The same on this process's clock, which nobody sets; of an answer of another replica, when this one got it.</summary>
    internal long Since { get; init; }

    /// <summary>How old it was then.</summary>
    internal TimeSpan AgeThen { get; init; }

    /// <summary>This process read the source.</summary>
    internal bool IsFromSource { get; init; }

    /// <summary>What the archive has, where the source is down: still to be held against the grace, and to be verified anew.</summary>
    internal IReadOnlyList<Attestation> Archived { get; init; } = [];

    /// <summary>Attestations, with those of the archive that its source has shown within the grace; newest first.</summary>
    /// <param name="grace">How long archived evidence counts.</param>
    /// <param name="now">The time of the decision.</param>
    public IEnumerable<Attestation> Attestations(TimeSpan grace, DateTimeOffset now) =>
        Items.SelectMany(item => item.Attestations).Concat(Archived.Where(attestation => now - attestation.LastSeen < grace));

    internal static RemoteAnswer Failed(RemoteFailure failure) => new([], false, failure);
}
