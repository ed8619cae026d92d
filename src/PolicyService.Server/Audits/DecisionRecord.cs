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
    public int Weight => WeightOf(Request, Decision);

    /// <summary>
    /// Writes the line without its end. Callers' text is escaped to ASCII, so it can neither break the line nor colour a terminal. Written for
    /// every decision: lists are walked by index, because their enumerators would be garbage.
    /// </summary>
    public void WriteTo(RecordBuffer line)
    {
        line.Raw("""{"time":"""u8);
        line.Time(Decision.EvaluateTime);
        line.Text(""","decisionId":"""u8, DecisionId);
        line.Text(""","verdict":"""u8, AuditVerdict(Decision.Conformance));
        line.Text(""","answer":"""u8, DecisionMetrics.VerdictName(Decision.Verdict));
        line.Text(""","conformance":"""u8, ConformanceName(Decision.Conformance));
        WriteRequest(line);
        line.Text(""","caller":"""u8, Caller);
        Optional(line, ""","project":"""u8, Decision.Project);
        Optional(line, ""","policyEtag":"""u8, Decision.PolicyEtag);
        line.Raw(""","generation":"""u8);
        line.Number(Generation);
        WriteReasons(line);
        WriteEvidence(line);
        WriteMarks(line);
        line.Raw("}"u8);
    }

    private static int WeightOf(EvaluationRequest request, Decision decision)
    {
        var weight = 1024 + WeightOf(request.Labels) + WeightOf(request.Annotations) + (80 * request.Attestations.Count);
        for (var index = 0; index < decision.Reasons.Count; index++)
        {
            weight += decision.Reasons[index].Text.Length;
        }

        return weight;
    }

    private static int WeightOf(IReadOnlyDictionary<string, string> map) => map.Count > 0 ? map.Sum(pair => pair.Key.Length + pair.Value.Length) : 0;

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

    private void WriteRequest(RecordBuffer line)
    {
        line.Text(""","image":"""u8, Request.Image.Text);
        line.Text(""","cluster":"""u8, Request.Cluster);
        Optional(line, ""","requestedProject":"""u8, Request.Project);
        Optional(line, ""","namespace":"""u8, Request.Namespace);
        Optional(line, ""","serviceAccount":"""u8, Request.ServiceAccount);
        Optional(line, ""","istioIdentity":"""u8, Request.IstioIdentity);
        if (Request.ParentDigest is { } parent)
        {
            line.Raw(""","parentDigest":"""u8);
            line.Digest(parent);
        }

        WriteMap(line, ""","labels":{"""u8, Request.Labels);
        WriteMap(line, ""","annotations":{"""u8, Request.Annotations);
        if (Request.Attestations.Count > 0)
        {
            WriteInlineAttestations(line);
        }

        if (Request.Preview)
        {
            line.Raw(""","preview":true"""u8);
        }
    }

    private void WriteInlineAttestations(RecordBuffer line)
    {
        var before = ""","inlineAttestations":["""u8;
        foreach (var inline in Request.Attestations)
        {
            line.Raw(before);
            line.Digest(inline.Attestation.PayloadHash);
            before = ","u8;
        }

        line.Raw("]"u8);
    }

    private void WriteReasons(RecordBuffer line)
    {
        line.Raw(""","reasons":["""u8);
        for (var index = 0; index < Decision.Reasons.Count; index++)
        {
            var reason = Decision.Reasons[index];
            line.Text(index == 0 ? """{"code":"""u8 : """,{"code":"""u8, ReasonNames.Of(reason.Code));
            Optional(line, ""","detail":"""u8, reason.Detail);
            line.Text(""","text":"""u8, reason.Text);
            Optional(line, ""","attestor":"""u8, reason.Attestor);
            Optional(line, ""","keyId":"""u8, reason.KeyId);
            Optional(line, ""","check":"""u8, reason.Check);
            line.Raw("}"u8);
        }

        line.Raw("]"u8);
    }

    private void WriteEvidence(RecordBuffer line)
    {
        line.Raw(""","evidence":["""u8);
        for (var index = 0; index < Decision.Evidence.Count; index++)
        {
            line.Raw(index == 0 ? ""u8 : ","u8);
            line.Digest(Decision.Evidence[index]);
        }

        line.Raw("]"u8);
    }

    private void WriteMarks(RecordBuffer line)
    {
        if (Request.BreakGlass is { } breakGlass)
        {
            line.Raw(Decision.BreakGlass ? ""","breakGlass":{"honoured":true"""u8 : ""","breakGlass":{"honoured":false"""u8);
            line.Text(""","justification":"""u8, breakGlass.Justification);
            line.Raw("}"u8);
        }

        if (Decision.BreakGlass)
        {
            line.Text(""","overriddenAnswer":"""u8, DecisionMetrics.VerdictName(Decision.OverriddenVerdict));
            line.Text(""","overriddenConformance":"""u8, ConformanceName(Decision.OverriddenConformance));
        }

        if (Decision.FailMode is not FailMode.Unspecified)
        {
            line.Text(""","failMode":"""u8, Decision.FailMode is FailMode.Open ? "OPEN" : "CLOSED");
        }

        if (Decision.Stale)
        {
            line.Raw(""","stale":true"""u8);
        }

        if (Decision.Ignored.Count > 0)
        {
            WriteIgnored(line);
        }
    }

    private void WriteIgnored(RecordBuffer line)
    {
        var before = ""","ignored":["""u8;
        foreach (var ignored in Decision.Ignored)
        {
            line.Text(before, ignored);
            before = ","u8;
        }

        line.Raw("]"u8);
    }

    private static void WriteMap(RecordBuffer line, ReadOnlySpan<byte> before, IReadOnlyDictionary<string, string> map)
    {
        if (map.Count == 0)
        {
            return;
        }

        foreach (var (key, value) in map)
        {
            line.Text(before, key);
            line.Text(":"u8, value);
            before = ","u8;
        }

        line.Raw("}"u8);
    }

    private static void Optional(RecordBuffer line, ReadOnlySpan<byte> before, string value)
    {
        if (value.Length > 0)
        {
            line.Text(before, value);
        }
    }
}
