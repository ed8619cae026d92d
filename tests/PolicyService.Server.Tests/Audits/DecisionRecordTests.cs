using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Server.Audits;

namespace PolicyService.Server.Tests.Audits;

/// <summary>The bytes of a decision's record: every field in its place, escaped as the base library escapes JSON.</summary>
public sealed class DecisionRecordTests
{
    private const string Evil = "a\r\n\"\\<b>'`+&\u001b\u0085\u2028é\ud83d 😀\ude00";
    private static readonly Digest Image = Digest.Of("image"u8);
    private static readonly DateTimeOffset Time = new(2026, 3, 4, 5, 6, 7, 120, TimeSpan.FromHours(1));

    [Fact]
    public void Smallest_record() => Assert.Equal(
        $$"""{"time":"2026-03-04T04:06:07.12Z","decisionId":"i","verdict":"ERROR","answer":"DENY","conformance":"ERROR","image":"{{Image}}","cluster":"l.c","caller":"","generation":0,"reasons":[],"evidence":[]}""",
        Line(new DecisionRecord("i", Request("l.c"), new Decision(Verdict.Deny, Conformance.Error, []) { EvaluateTime = Time }, 0, "")));

    [Theory]
    [InlineData("plain")]
    [InlineData(Evil)]
    public void Largest_record(string text)
    {
        var attestation = new Attestation([1, 2], []) { Source = EvidenceSource.Inline };
        var request = Request(text) with
        {
            Project = text,
            Namespace = text,
            ServiceAccount = text,
            IstioIdentity = text,
            ParentDigest = Image,
            Labels = new Dictionary<string, string> { [text] = text, ["b" + text] = text },
            Annotations = new Dictionary<string, string> { [text] = text },
            Attestations = [new InlineAttestation(default, attestation), new InlineAttestation(default, attestation)],
            Preview = true,
            BreakGlass = new BreakGlassRequest(text),
        };
        Reason[] reasons =
        [
            new(ReasonCode.DeniedByAttestor, text) { Detail = text, Attestor = text, KeyId = text, Check = text },
            new(ReasonCode.Revoked, ""),
        ];
        var decision = new Decision(Verdict.Allow, Conformance.NonConformant, reasons)
        {
            EvaluateTime = Time,
            Project = text,
            PolicyEtag = text,
            Evidence = [Image, Image],
            BreakGlass = true,
            OverriddenVerdict = Verdict.DryRun,
            OverriddenConformance = Conformance.Conformant,
            FailMode = FailMode.Open,
            Stale = true,
            Ignored = [text, text],
        };

        var want = $$"""
            {"time":"2026-03-04T04:06:07.12Z","decisionId":@,"verdict":"VIOLATES_POLICY","answer":"ALLOW","conformance":"NON_CONFORMANT",
            "image":"{{Image}}","cluster":@,"requestedProject":@,"namespace":@,"serviceAccount":@,"istioIdentity":@,"parentDigest":"{{Image}}",
            "labels":{@:@,#:@},"annotations":{@:@},"inlineAttestations":["{{attestation.PayloadHash}}","{{attestation.PayloadHash}}"],"preview":true,
            "caller":@,"project":@,"policyEtag":@,"generation":-9223372036854775808,
            "reasons":[{"code":"DENIED_BY_ATTESTOR","detail":@,"text":@,"attestor":@,"keyId":@,"check":@},{"code":"REVOKED","text":""}],
            "evidence":["{{Image}}","{{Image}}"],"breakGlass":{"honoured":true,"justification":@},
            "overriddenAnswer":"DRYRUN","overriddenConformance":"CONFORMANT","failMode":"OPEN","stale":true,"ignored":[@,@]}
            """.ReplaceLineEndings("");
        var escaped = JavaScriptEncoder.Default.Encode(text);
        want = want.Replace("@", $"\"{escaped}\"", StringComparison.Ordinal).Replace("#", $"\"b{escaped}\"", StringComparison.Ordinal);

        Assert.Equal(want, Line(new DecisionRecord(text, request, decision, long.MinValue, text)));
    }

    [Fact]
    public void Override_that_was_not_honoured_and_a_decision_that_failed_closed()
    {
        var request = Request("l.c") with { BreakGlass = new BreakGlassRequest("") };
        var decision = new Decision(Verdict.Deny, Conformance.Error, []) { EvaluateTime = Time, FailMode = FailMode.Closed };

        var record = JsonNode.Parse(Line(new DecisionRecord("i", request, decision, 1, "")))!;

        Assert.Equal("""{"honoured":false,"justification":""}""", record["breakGlass"]!.ToJsonString());
        Assert.Equal("CLOSED", (string?)record["failMode"]);
        Assert.Null(record["overriddenAnswer"]);
    }

    [Fact]
    public void Weight_counts_what_callers_send()
    {
        var request = Request("l.c") with
        {
            Labels = new Dictionary<string, string> { ["12"] = "345" },
            Annotations = new Dictionary<string, string> { ["1"] = "2345678" },
            Attestations = [new InlineAttestation(default, new Attestation([], []) { Source = EvidenceSource.Inline })],
        };
        var decision = new Decision(Verdict.Deny, Conformance.Error, [new(ReasonCode.Revoked, "123"), new(ReasonCode.Revoked, "4567")]) { EvaluateTime = Time };

        Assert.Equal(1024 + 5 + 8 + 80 + 7, new DecisionRecord("i", request, decision, 1, "").Weight);
    }

    private static EvaluationRequest Request(string cluster) =>
        ImageReference.TryParse(Image.ToString(), out var image) ? new EvaluationRequest(image, cluster) : throw new InvalidOperationException();

    private static string Line(DecisionRecord record)
    {
        var buffer = new RecordBuffer(64 * 1024);
        record.WriteTo(buffer);
        return Encoding.UTF8.GetString(buffer.Written);
    }
}
