using PolicyService.Api.V1;

namespace PolicyService.Cli.Evaluations;

/// <summary>Enum values as output spells them: the name in the contract without the enum's own name.</summary>
internal static class WireNames
{
    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Allow => "ALLOW",
        Verdict.Dryrun => "DRYRUN",
        _ => "DENY",
    };

    public static string Of(Conformance conformance) => conformance switch
    {
        Conformance.Conformant => "CONFORMANT",
        Conformance.NonConformant => "NON_CONFORMANT",
        _ => "ERROR",
    };

    /// <summary>Empty for unspecified: no error decided.</summary>
    public static string Of(FailMode mode) => mode switch
    {
        FailMode.Closed => "CLOSED",
        FailMode.Open => "OPEN",
        _ => "",
    };

    public static string Of(ReasonCode code) => code switch
    {
        ReasonCode.Allowlisted => "ALLOWLISTED",
        ReasonCode.SystemPolicy => "SYSTEM_POLICY",
        ReasonCode.AlwaysAllow => "ALWAYS_ALLOW",
        ReasonCode.Attested => "ATTESTED",
        ReasonCode.ChecksPassed => "CHECKS_PASSED",
        ReasonCode.BreakGlass => "BREAK_GLASS",
        ReasonCode.FailedOpen => "FAILED_OPEN",
        ReasonCode.AlwaysDeny => "ALWAYS_DENY",
        ReasonCode.DeniedByAttestor => "DENIED_BY_ATTESTOR",
        ReasonCode.Revoked => "REVOKED",
        ReasonCode.CheckFailed => "CHECK_FAILED",
        ReasonCode.ClusterUnknown => "CLUSTER_UNKNOWN",
        ReasonCode.NoPolicy => "NO_POLICY",
        ReasonCode.EvidenceUnavailable => "EVIDENCE_UNAVAILABLE",
        ReasonCode.EvidenceLimit => "EVIDENCE_LIMIT",
        ReasonCode.KeyUnavailable => "KEY_UNAVAILABLE",
        ReasonCode.Deadline => "DEADLINE",
        ReasonCode.StalePolicy => "STALE_POLICY",
        ReasonCode.PolicyConfigError => "POLICY_CONFIG_ERROR",
        _ => "UNSPECIFIED",
    };
}
