using PolicyService.Api.V1;

namespace PolicyService.Server.Tests;

/// <summary>Requests as callers send them.</summary>
internal static class Ask
{
    public const string Attested = "gcr.io/acme/api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    public const string Unattested = "gcr.io/acme/api@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    public const string Allowlisted = "gcr.io/allowed/nginx:1";

    /// <summary>Clusters of <see cref="DocumentsFolder.Standard"/>.</summary>
    public const string Enforced = "dc1.enforced";
    public const string DryRun = "dc1.dryrun";
    public const string Open = "dc1.open";
    public const string Shut = "dc1.shut";

    public static EvaluateRequest For(string image, string cluster = Enforced) => new() { ImageDigest = image, Cluster = cluster };

    public static EvaluateRequest BreakGlass(string image, string justification = "outage", string cluster = Enforced) =>
        new() { ImageDigest = image, Cluster = cluster, BreakGlass = new BreakGlass { Justification = justification } };
}
