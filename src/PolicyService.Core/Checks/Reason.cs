namespace PolicyService.Core.Checks;

/// <summary>What a part of an evaluation found.</summary>
public enum Conformance
{
    /// <summary>Never an outcome; not conformant.</summary>
    Unspecified,
    Conformant,
    NonConformant,
    Error,
}

/// <summary>Why, for programs (SEMANTICS section 3, in its order).</summary>
public enum ReasonCode
{
    Unspecified,
    Allowlisted,
    SystemPolicy,
    AlwaysAllow,
    Attested,
    ChecksPassed,
    BreakGlass,
    FailedOpen,
    AlwaysDeny,
    DeniedByAttestor,
    Revoked,
    CheckFailed,
    ClusterUnknown,
    NoPolicy,
    EvidenceUnavailable,
    EvidenceLimit,
    KeyUnavailable,
    Deadline,
    StalePolicy,
    PolicyConfigError,
}

/// <summary>How far the evidence of an attestor came; a later value is a later step (SEMANTICS section 9, "Details").</summary>
public enum AttestorDetail
{
    Unspecified,
    NoPermission,
    NoKeys,
    NoDigest,
    NoAttestation,
    KeyUnknown,
    SignatureInvalid,
    PayloadInvalid,
    DigestMismatch,
    ReferenceMismatch,
    Revoked,
    Expired,
}

/// <summary>One reason of a decision: codes for programs, text and remedy for people.</summary>
public sealed record Reason(ReasonCode Code, string Text)
{
    public string Detail { get; init; } = "";

    public string Attestor { get; init; } = "";

    public string KeyId { get; init; } = "";

    public string Check { get; init; } = "";

    public string Remedy { get; init; } = "";

    /// <summary>
    /// An error of our own service or store, which alone may fail open. What an image's author can cause never does.
    /// </summary>
    public bool IsOwnFault { get; init; }
}

/// <summary>The spelling of codes in texts, JSON and records.</summary>
public static class ReasonNames
{
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
        _ => "REASON_CODE_UNSPECIFIED",
    };

    public static string Of(AttestorDetail detail) => detail switch
    {
        AttestorDetail.NoPermission => "NO_PERMISSION",
        AttestorDetail.NoKeys => "NO_KEYS",
        AttestorDetail.NoDigest => "NO_DIGEST",
        AttestorDetail.NoAttestation => "NO_ATTESTATION",
        AttestorDetail.KeyUnknown => "KEY_UNKNOWN",
        AttestorDetail.SignatureInvalid => "SIGNATURE_INVALID",
        AttestorDetail.PayloadInvalid => "PAYLOAD_INVALID",
        AttestorDetail.DigestMismatch => "DIGEST_MISMATCH",
        AttestorDetail.ReferenceMismatch => "REFERENCE_MISMATCH",
        AttestorDetail.Revoked => "REVOKED",
        AttestorDetail.Expired => "EXPIRED",
        _ => "",
    };
}
