namespace PolicyService.Core.Decisions;

/// <summary>
/// What a caller may fall back on while the service is away. It promises less than the service would decide: what is not certain is enforced.
/// </summary>
/// <param name="Project">Project whose policy decides; empty: there is none.</param>
/// <param name="IsDryRun">No request about the cluster could be denied but for a revoked digest.</param>
/// <param name="MaxAge">How long it counts after the service was last heard.</param>
/// <param name="HonoursBreakGlass">A marker of the caller's would be honoured.</param>
/// <param name="RevokedDigests">Digests that are denied all the same; in no order, none where too many are revoked to be told.</param>
public sealed record Posture(string Project, bool IsDryRun, TimeSpan MaxAge, bool HonoursBreakGlass, IReadOnlyCollection<string> RevokedDigests)
{
    /// <summary>Most revoked digests that are told; with more the cluster is enforced.</summary>
    public const int MaxRevokedDigests = 10_000;
}
