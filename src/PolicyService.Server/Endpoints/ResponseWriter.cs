using Google.Protobuf.WellKnownTypes;
using PolicyService.Api.V1;
using PolicyService.Core.Decisions;
using Wire = PolicyService.Api.V1;

namespace PolicyService.Server.Endpoints;

/// <summary>Types to wire. Enums are converted value by value: a new one nobody thought of denies.</summary>
public static class ResponseWriter
{
    public static EvaluateResponse Write(EvaluateRequest request, Decision decision, string decisionId)
    {
        var response = new EvaluateResponse
        {
            Verdict = Write(decision.Verdict),
            ImageDigest = request.ImageDigest,
            Cluster = request.Cluster,
            Conformance = Write(decision.Conformance),
            PolicyEtag = decision.PolicyEtag,
            DecisionId = decisionId,
            EvaluateTime = Timestamp.FromDateTimeOffset(decision.EvaluateTime),
            Stale = decision.Stale,
            FailMode = decision.FailMode switch
            {
                Core.Policies.FailMode.Open => FailMode.Open,
                Core.Policies.FailMode.Closed => FailMode.Closed,
                _ => FailMode.Unspecified,
            },
            BreakGlass = decision.BreakGlass,
        };
        if (decision.EvidenceTime is { } evidenceTime)
        {
            response.EvidenceTime = Timestamp.FromDateTimeOffset(evidenceTime);
        }

        if (decision.BreakGlass)
        {
            response.OverriddenVerdict = Write(decision.OverriddenVerdict);
            response.OverriddenConformance = Write(decision.OverriddenConformance);
        }

        // Room for as many as there are, and not for the eight that a list begins with.
        response.Reasons.Capacity = decision.Reasons.Count;
        for (var index = 0; index < decision.Reasons.Count; index++)
        {
            response.Reasons.Add(Write(decision.Reasons[index]));
        }

        for (var index = 0; index < decision.Trace.Count; index++)
        {
            var step = decision.Trace[index];
            response.Trace.Add(new Wire.Step { Step_ = step.Name, Outcome = step.Outcome, Text = step.Text });
        }

        return response;
    }

    private static Wire.Verdict Write(Core.Decisions.Verdict verdict) => verdict switch
    {
        Core.Decisions.Verdict.Allow => Wire.Verdict.Allow,
        Core.Decisions.Verdict.DryRun => Wire.Verdict.Dryrun,
        _ => Wire.Verdict.Deny,
    };

    private static Conformance Write(Core.Checks.Conformance conformance) => conformance switch
    {
        Core.Checks.Conformance.Conformant => Conformance.Conformant,
        Core.Checks.Conformance.NonConformant => Conformance.NonConformant,
        _ => Conformance.Error,
    };

    private static Wire.Reason Write(Core.Checks.Reason reason) => new()
    {
        Code = Write(reason.Code),
        Detail = reason.Detail,
        Text = reason.Text,
        Attestor = reason.Attestor,
        KeyId = reason.KeyId,
        Check = reason.Check,
        Remedy = reason.Remedy,
    };

    private static ReasonCode Write(Core.Checks.ReasonCode code) => code switch
    {
        Core.Checks.ReasonCode.Allowlisted => ReasonCode.Allowlisted,
        Core.Checks.ReasonCode.SystemPolicy => ReasonCode.SystemPolicy,
        Core.Checks.ReasonCode.AlwaysAllow => ReasonCode.AlwaysAllow,
        Core.Checks.ReasonCode.Attested => ReasonCode.Attested,
        Core.Checks.ReasonCode.ChecksPassed => ReasonCode.ChecksPassed,
        Core.Checks.ReasonCode.BreakGlass => ReasonCode.BreakGlass,
        Core.Checks.ReasonCode.FailedOpen => ReasonCode.FailedOpen,
        Core.Checks.ReasonCode.AlwaysDeny => ReasonCode.AlwaysDeny,
        Core.Checks.ReasonCode.DeniedByAttestor => ReasonCode.DeniedByAttestor,
        Core.Checks.ReasonCode.Revoked => ReasonCode.Revoked,
        Core.Checks.ReasonCode.CheckFailed => ReasonCode.CheckFailed,
        Core.Checks.ReasonCode.ClusterUnknown => ReasonCode.ClusterUnknown,
        Core.Checks.ReasonCode.NoPolicy => ReasonCode.NoPolicy,
        Core.Checks.ReasonCode.EvidenceUnavailable => ReasonCode.EvidenceUnavailable,
        Core.Checks.ReasonCode.EvidenceLimit => ReasonCode.EvidenceLimit,
        Core.Checks.ReasonCode.KeyUnavailable => ReasonCode.KeyUnavailable,
        Core.Checks.ReasonCode.Deadline => ReasonCode.Deadline,
        Core.Checks.ReasonCode.StalePolicy => ReasonCode.StalePolicy,
        Core.Checks.ReasonCode.PolicyConfigError => ReasonCode.PolicyConfigError,
        _ => ReasonCode.Unspecified,
    };
}
