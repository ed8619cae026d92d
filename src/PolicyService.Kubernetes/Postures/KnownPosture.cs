using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Postures;

/// <summary>How the cluster stood when the service was last heard.</summary>
/// <param name="Message">What the service said.</param>
/// <param name="HeardAt">When, by the clock of this machine.</param>
internal sealed record KnownPosture(ClusterPosture Message, DateTimeOffset HeardAt)
{
    /// <summary>How far a clock may have been set back since.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Nothing that anybody enforces says no, and that is not too long ago.</summary>
    public bool IsDryRunAt(DateTimeOffset now) =>
        Message.Enforcement is Enforcement.DryRun && Message.MaxAge is { } age && now - HeardAt <= age.ToTimeSpan() && HeardAt - now <= Skew;

    /// <summary>A digest in the image is revoked: that denies whatever is enforced, and however long ago it was said.</summary>
    public bool Revokes(string image) => Message.RevokedDigests.Any(digest => digest.Length > 0 && image.Contains(digest, StringComparison.OrdinalIgnoreCase));
}
