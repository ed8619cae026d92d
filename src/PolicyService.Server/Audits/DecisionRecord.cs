using System.Text.Json;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Server.Decisions;

namespace PolicyService.Server.Audits;

/// <summary>The durable record of one decision: one JSON line. Signatures and payloads stay out, their digests name them.</summary>
public sealed record DecisionRecord(string DecisionId, EvaluationRequest Request, Decision Decision, long Generation, string Caller) : IAuditRecord
{
    /// <summary>
    /// An override, or an admission in doubt: on disk before the answer whatever the settings (ARCHITECTURE section 6).
    /// </summary>
    public bool MustBeDurable => Decision is { BreakGlass: true } or { FailMode: FailMode.Open } or { Stale: true, Verdict: not Verdict.Deny };

    /// <summary>Without its record there is no decision.</summary>
    public bool IsFact => false;

    /// <summary>About how many characters the record holds, for bounding what waits to be written.</summary>
    public int Weight { get; } = 1024
        + Request.Labels.Sum(pair => pair.Key.Length + pair.Value.Length)
        + Request.Annotations.Sum(pair => pair.Key.Length + pair.Value.Length)
        + Decision.Reasons.Sum(reason => reason.Text.Length)
        + (80 * Request.Attestations.Count);

    /// <summary>Writes the line without its end. Callers' text is escaped to ASCII, so it can neither break the line nor colour a terminal.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("time", Decision.EvaluateTime.UtcDateTime);
        json.WriteString("decisionId", DecisionId);
        json.WriteString("verdict", AuditVerdict(Decision.Conformance));
        json.WriteString("answer", DecisionMetrics.VerdictName(Decision.Verdict));
        json.WriteString("conformance", ConformanceName(Decision.Conformance));
        WriteRequest(json);
        json.WriteString("caller", Caller);
        Optional(json, "project", Decision.Project);
        Optional(json, "policyEtag", Decision.PolicyEtag);
        json.WriteNumber("generation", Generation);
        WriteReasons(json);
        WriteList(json, "evidence", Decision.Evidence.Select(digest => digest.ToString()));
        WriteMarks(json);
        json.WriteEndObject();
    }

    private static string AuditVerdict(Conformance conformance) => conformance switch
    {
        Conformance.Conformant => "CONFORMS_TO_POLICY",
        Conformance.NonConformant => "VIOLATES_POLICY",
        _ => "ERROR",
    };

    private static string ConformanceName(Conformance conformance) => conformance switch
    {
        Conformance.Conformant => "CONFORMANT",
        Conformance.NonConformant => "NON_CONFORMANT",
        _ => "ERROR",
    };

    private void WriteRequest(Utf8JsonWriter json)
    {
        json.WriteString("image", Request.Image.Text);
        json.WriteString("cluster", Request.Cluster);
        Optional(json, "requestedProject", Request.Project);
        Optional(json, "namespace", Request.Namespace);
        Optional(json, "serviceAccount", Request.ServiceAccount);
        Optional(json, "istioIdentity", Request.IstioIdentity);
        Optional(json, "parentDigest", Request.ParentDigest?.ToString() ?? "");
        WriteMap(json, "labels", Request.Labels);
        WriteMap(json, "annotations", Request.Annotations);
        if (Request.Attestations.Count > 0)
        {
            WriteList(json, "inlineAttestations", Request.Attestations.Select(inline => inline.Attestation.PayloadHash.ToString()));
        }

        if (Request.Preview)
        {
            json.WriteBoolean("preview", true);
        }
    }

    private void WriteReasons(Utf8JsonWriter json)
    {
        json.WriteStartArray("reasons");
        foreach (var reason in Decision.Reasons)
        {
            json.WriteStartObject();
            json.WriteString("code", ReasonNames.Of(reason.Code));
            Optional(json, "detail", reason.Detail);
            json.WriteString("text", reason.Text);
            Optional(json, "attestor", reason.Attestor);
            Optional(json, "keyId", reason.KeyId);
            Optional(json, "check", reason.Check);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteMarks(Utf8JsonWriter json)
    {
        if (Request.BreakGlass is { } breakGlass)
        {
            json.WriteStartObject("breakGlass");
            json.WriteBoolean("honoured", Decision.BreakGlass);
            json.WriteString("justification", breakGlass.Justification);
            json.WriteEndObject();
        }

        if (Decision.BreakGlass)
        {
            json.WriteString("overriddenAnswer", DecisionMetrics.VerdictName(Decision.OverriddenVerdict));
            json.WriteString("overriddenConformance", ConformanceName(Decision.OverriddenConformance));
        }

        if (Decision.FailMode is not FailMode.Unspecified)
        {
            json.WriteString("failMode", Decision.FailMode is FailMode.Open ? "OPEN" : "CLOSED");
        }

        if (Decision.Stale)
        {
            json.WriteBoolean("stale", true);
        }

        if (Decision.Ignored.Count > 0)
        {
            WriteList(json, "ignored", Decision.Ignored);
        }
    }

    private static void WriteMap(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> map)
    {
        if (map.Count > 0)
        {
            json.WriteStartObject(name);
            foreach (var (key, value) in map)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }
    }

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Optional(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
        {
            json.WriteString(name, value);
        }
    }
}
