namespace PolicyService.Cli.Doctor;

/// <summary>Judges what was read of a cluster. Pure: the time is an argument.</summary>
internal static class Diagnosis
{
    /// <summary>All findings, the worst first.</summary>
    public static IReadOnlyList<Finding> Of(ClusterState state, DateTimeOffset now) =>
    [
        .. state.Unread
            .Concat(WebhookChecks.Find(state))
            .Concat(NamespaceChecks.Find(state))
            .Concat(DependencyChecks.Find(state))
            .Concat(CertificateChecks.Find(state, now))
            .Append(Finding.Note("NOT_VISIBLE", "API server", "whether an ImagePolicyWebhook, and how long it keeps answers, is configured in files of the API server; static pods, pulls by hand and mirrors of nodes pass by every webhook", "look at allowTTL and denyTTL (-1), and give nodes a signature policy of their own (docs/kubernetes.md)"))
            .Distinct()
            .OrderBy(finding => finding.Severity),
    ];
}
