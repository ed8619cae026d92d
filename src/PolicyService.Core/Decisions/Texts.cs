using System.Globalization;
using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>Reasons in the shapes of Binary Authorization's messages, so that alert rules on them keep working (SEMANTICS section 3).</summary>
internal static class Texts
{
    /// <summary>Detail of a reason that rests on archived evidence.</summary>
    private const string Archived = "ARCHIVED";

    public static string RuleName(AdmissionRule rule) => rule.Scope switch
    {
        RuleScope.Cluster => $"cluster admission rule for {rule.Key}",
        RuleScope.Namespace => $"kubernetes namespace admission rule for {rule.Key}",
        RuleScope.ServiceAccount => $"kubernetes service account admission rule for {rule.Key}",
        RuleScope.IstioIdentity => $"istio service identity admission rule for {rule.Key}",
        _ => "default admission rule",
    };

    public static Reason NoPolicy(Selection selection) =>
        new(ReasonCode.NoPolicy, $"Image {ImageOf(selection)} denied: project `{selection.Binding.Project}` has no policy in force")
        {
            Remedy = "write the project's policy.yaml; a policy that was refused is listed under /healthz/ready with every problem",
        };

    public static Reason Revoked(Selection selection, Revocation revocation) =>
        new(ReasonCode.Revoked, $"Image {ImageOf(selection)} denied: {revocation.Digest} was revoked by {revocation.Author}: {revocation.Reason}")
        {
            Remedy = "run another digest; only the removal of the revocation from options.yaml admits this one",
        };

    public static Reason ClusterUnknown(Selection selection) =>
        new(ReasonCode.ClusterUnknown,
            $"Image {ImageOf(selection)} denied: no binding names the cluster {selection.Request.Cluster}, and project `{selection.Binding.Project}` enforces platform policies")
        {
            Remedy = "add the cluster, or a default entry, to clusters.yaml",
        };

    public static Reason ConfigError(Selection selection, string why, string attestor = "") =>
        new(ReasonCode.PolicyConfigError,
            attestor.Length == 0
                ? $"Image {ImageOf(selection)} cannot be judged: {why}"
                : $"{DeniedByRule(selection)} Image {ImageOf(selection)} denied by attestor {attestor}: {why}")
        {
            Attestor = attestor,
            Remedy = "mend the documents; /healthz/ready lists their problems",
        };

    public static Reason StalePolicy(Selection selection) =>
        new(ReasonCode.StalePolicy, string.Create(
            CultureInfo.InvariantCulture,
            $"Image {ImageOf(selection)} cannot be judged: the documents were last read at {selection.Age.ReadAt:yyyy-MM-ddTHH:mm:ssZ}, longer ago than maxSnapshotAge"))
        {
            IsOwnFault = true,
            Remedy = "make the source of the documents answer again",
        };

    public static Reason Allowlisted(Selection selection, NamePattern pattern, ReasonCode code) =>
        new(code, $"Image {ImageOf(selection)} matches the pattern `{pattern.Text}` of {(code is ReasonCode.SystemPolicy ? "the system policy" : "the allowlist")}");

    public static Reason AlwaysAllow(Selection selection) =>
        new(ReasonCode.AlwaysAllow, $"Image {ImageOf(selection)} allowed by Binary Authorization {RuleName(selection.Rule!)}. Allowed by always_allow admission rule");

    public static Reason AlwaysDeny(Selection selection) =>
        new(ReasonCode.AlwaysDeny, $"{DeniedByRule(selection)} Denied by always_deny admission rule")
        {
            Remedy = "no attestation admits an image under this rule; another rule, or the allowlist, must name it",
        };

    public static Reason Attested(Selection selection, RequiredAttestor required, AttestationFact fact) =>
        new(ReasonCode.Attested, $"Image {ImageOf(selection)} attested by {required.Name}{FromArchive(fact.Attestation.LastSeen)}")
        {
            Attestor = required.Name.ToString(),
            KeyId = fact.KeyId.ToString() ?? "",
            Detail = fact.Attestation.LastSeen is null ? "" : Archived,
        };

    public static Reason DeniedByAttestor(Selection selection, RequiredAttestor required, AttestorDetail detail, string why, string keyId) =>
        new(ReasonCode.DeniedByAttestor, $"{DeniedByRule(selection)} Image {ImageOf(selection)} denied by attestor {required.Name}: {why}")
        {
            Detail = ReasonNames.Of(detail),
            Attestor = required.Name.ToString(),
            KeyId = keyId,
            Remedy = Remedies.For(selection, required, detail),
        };

    public static Reason Unavailable(Selection selection, RequiredAttestor required, EvidenceFailure failure) =>
        new(failure.Code, $"{DeniedByRule(selection)} Image {ImageOf(selection)} denied by attestor {required.Name}: {failure.Explanation}")
        {
            Detail = failure.Detail,
            Attestor = required.Name.ToString(),
            KeyId = failure.KeyId,
            IsOwnFault = failure.IsOwnFault,
            Remedy = failure.Remedy.Length > 0 ? failure.Remedy : Remedies.For(failure),
        };

    public static Reason FailedOpen(Selection selection) =>
        new(ReasonCode.FailedOpen, $"Image {ImageOf(selection)} admitted although the evaluation failed: failMode is OPEN");

    public static Reason BrokeGlass(Selection selection) =>
        new(ReasonCode.BreakGlass, $"Image {ImageOf(selection)} admitted by break-glass: {Documents.Shown.Value(selection.Request.BreakGlass!.Justification)}");

    /// <summary>Why a check did not pass: one reason, or one for each evidence that could not be had.</summary>
    public static IEnumerable<Reason> Check(Selection selection, BoundPlatformPolicy bound, CheckResult result)
    {
        var remedy = result.Remedy.Length > 0 ? result.Remedy : $"make the image pass `{result.Check}`, or change the platform policy";
        var isFailed = result.Conformance is Conformance.NonConformant;
        return isFailed || result.Failures.Count == 0
            ? [Of(isFailed ? ReasonCode.CheckFailed : ReasonCode.EvidenceUnavailable, isFailed ? result.Check : $"{result.Check}:UNAVAILABLE", result.Explanation, remedy)]
            : result.Failures.Select(failure => Of(failure.Code, failure.Detail, failure.Explanation, failure.Remedy.Length > 0 ? failure.Remedy : Remedies.For(failure)) with { IsOwnFault = failure.IsOwnFault });

        Reason Of(ReasonCode code, string detail, string why, string remedy) => new(code, $"Image {ImageOf(selection)} denied by platform policy {bound.Binding.Name}: {why}")
        {
            Detail = detail,
            Check = result.Check,
            Remedy = remedy,
        };
    }

    public static Reason ChecksPassed(Selection selection, BoundPlatformPolicy bound, string detail, DateTimeOffset? lastSeen = null) =>
        new(ReasonCode.ChecksPassed, $"Image {ImageOf(selection)} conforms to platform policy {bound.Binding.Name}{FromArchive(lastSeen)}") { Detail = lastSeen is null ? detail : Archived };

    private static string FromArchive(DateTimeOffset? lastSeen) => lastSeen is not { } seen ? "" : string.Create(
        CultureInfo.InvariantCulture, $", by evidence from the archive: its source does not answer and last showed it at {seen:yyyy-MM-ddTHH:mm:ssZ}");

    private static string DeniedByRule(Selection selection) => $"Image {ImageOf(selection)} denied by Binary Authorization {RuleName(selection.Rule!)}.";

    private static string ImageOf(Selection selection) => selection.Request.Image.Text;
}
