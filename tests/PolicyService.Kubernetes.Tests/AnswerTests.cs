using System.Text;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Endpoints;
using PolicyService.Kubernetes.Reviews;
using PolicyService.Kubernetes.Workloads;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>What decisions become, and the small readers.</summary>
public sealed class AnswerTests
{
    /// <summary>Why it is admitted, the verdict, and the marks beside it.</summary>
    public static TheoryData<string, AdmissionBasis, string, string> Bases => new()
    {
        { "fail mode", AdmissionBasis.FailMode, "FAILED_OPEN", "failed-open" },
        { "break-glass", AdmissionBasis.BreakGlass, "BREAK_GLASS", "break-glass" },
        { "posture", AdmissionBasis.Posture, "POSTURE", "dry-run" },
    };

    /// <summary>As Go writes a duration; milliseconds.</summary>
    public static TheoryData<string?, double> Durations => new()
    {
        { "2s", 2000 }, { "30s", 30_000 }, { "500ms", 500 }, { "1.5s", 1500 }, { "1s500ms", 1500 }, { "250000us", 250 }, { "1000000ns", 1 },
        { "1m30s", 30_000 }, { "1h", 30_000 }, { "31s", 30_000 },
        { null, 10_000 }, { "", 10_000 }, { "0s", 10_000 }, { "-2s", 10_000 }, { "2", 10_000 }, { "s", 10_000 }, { "2 s", 10_000 }, { "two", 10_000 }, { "NaNs", 10_000 },
        { "1..5s", 10_000 }, { "2s ", 10_000 }, { new string('9', 400) + "s", 10_000 }, { "2S", 10_000 },
    };

    [Theory, MemberData(nameof(Durations))]
    public void Timeout_is_read_as_Go_writes_it(string? text, double milliseconds) =>
        Assert.Equal(milliseconds, WebhookTimeout.Read(text).TotalMilliseconds, 3);

    [Theory, MemberData(nameof(Bases))]
    public void Admission_without_the_service_says_so(string name, AdmissionBasis basis, string verdict, string mark)
    {
        var answer = DecisionSummary.Enforced([new ImageDecision("x:1", Admission.AdmittedWithWarning, basis, "the decision service is away")], []);

        Assert.True(answer.IsAllowed, name);
        Assert.Equal((verdict, "true"), (answer.AuditAnnotations["verdict"], answer.AuditAnnotations[mark]));
        Assert.Contains("the decision service is away", Assert.Single(answer.Warnings), StringComparison.Ordinal);
        Assert.Contains("x:1", answer.AuditAnnotations["violations"], StringComparison.Ordinal);
    }

    [Fact]
    public void Service_that_failed_open_says_so()
    {
        var response = new EvaluateResponse { Verdict = Verdict.Allow, FailMode = Api.V1.FailMode.Open, DecisionId = "d" };

        var answer = DecisionSummary.Enforced([new ImageDecision("x:1", Admission.Admitted, AdmissionBasis.Service, "") { Response = response }], []);

        Assert.Equal(("FAILED_OPEN", "true", "d"), (answer.AuditAnnotations["verdict"], answer.AuditAnnotations["failed-open"], answer.AuditAnnotations["decision-ids"]));
    }

    [Fact]
    public void One_refusal_among_many_refuses_and_an_unknown_admission_too()
    {
        var admitted = new ImageDecision("x:1", Admission.Admitted, AdmissionBasis.Service, "");

        Assert.False(DecisionSummary.Enforced([admitted, new ImageDecision("x:2", Admission.Refused, AdmissionBasis.None, "no")], []).IsAllowed);
        Assert.False(DecisionSummary.Enforced([admitted, new ImageDecision("x:2", (Admission)7, AdmissionBasis.None, "no")], []).IsAllowed);
        Assert.True(DecisionSummary.Enforced([admitted], []).IsAllowed);
    }

    [Theory]
    [InlineData(2, 40_000)]
    [InlineData(500, 32_000)]
    [InlineData(3000, 30)]
    public void Message_and_annotations_stay_within_their_bounds(int count, int length)
    {
        var decisions = Enumerable.Range(0, count).Select(index => new ImageDecision($"x:{index}", Admission.Refused, AdmissionBasis.Service, $"Image x:{index} " + new string('ä', length / 2))
        {
            Response = new EvaluateResponse { Verdict = Verdict.Deny, DecisionId = $"{index:d36}" },
        }).ToArray();

        var answer = DecisionSummary.Enforced(decisions, []);

        Assert.InRange(Encoding.UTF8.GetByteCount(answer.Problem!.Message), 63 * 1024, 64 * 1024);
        Assert.EndsWith("are explained in full)", answer.Problem.Message, StringComparison.Ordinal);
        Assert.All(answer.AuditAnnotations.Values, value => Assert.InRange(Encoding.UTF8.GetByteCount(value), 1, 2000));
    }

    [Fact]
    public void Answers_that_do_not_fit_the_questions_refuse()
    {
        var one = new ImageDecision("x:1", Admission.Admitted, AdmissionBasis.Service, "");

        Assert.All(DecisionSummary.Match(["x:1", "x:2"], [one]), decision => Assert.Equal(Admission.Refused, decision.Admission));
        Assert.All(DecisionSummary.Match(["x:2"], [one]), decision => Assert.Equal(Admission.Refused, decision.Admission));
        Assert.All(DecisionSummary.Match(["x:1"], [one, one]), decision => Assert.Equal(Admission.Refused, decision.Admission));
        Assert.Same(one, Assert.Single(DecisionSummary.Match(["x:1"], [one])));
    }

    [Fact]
    public void Warnings_arrive()
    {
        var lines = Enumerable.Range(0, 100).Select(index => $"Image gcr.io/{index}@sha256:{new string('a', 64)} ä\n\u001b[31m{new string('x', 300)}").ToArray();

        var fitting = WarningLines.Fit(lines);

        Assert.All(fitting, line => Assert.InRange(line.Length, 1, 256));
        Assert.All(fitting, line => Assert.DoesNotContain(line, char.IsControl));
        Assert.InRange(fitting.Sum(Encoding.UTF8.GetByteCount), 3000, 4000);
        Assert.Equal($"{100 - (fitting.Count - 1)} more warnings are not shown", fitting[^1]);
        Assert.StartsWith("Image gcr.io/0@sha256:aaaaaaaaaaaa… ä\\u000a\\u001b[31mxxx", fitting[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc", 10, "abc")]
    [InlineData("abcdef", 5, "ab…")]
    [InlineData("ääää", 6, "ä…")]
    [InlineData("\U0001F600\U0001F600", 7, "\U0001F600…")]
    public void Cut_text_ends_with_a_whole_character(string text, int bytes, string cut) => Assert.Equal(cut, PlainText.CutBytes(text, bytes));

    [Theory]
    [InlineData("a\r\nb", "a\\u000d\\u000ab")]
    [InlineData("\u202eevil\u200b", "\\u202eevil\\u200b")]
    [InlineData("plain ä \U0001F600", "plain ä \U0001F600")]
    public void Line_is_one_line(string text, string line) => Assert.Equal(line, PlainText.Line(text));

    /// <summary>Not a row of the table above: in an attribute it would become something else.</summary>
    [Fact]
    public void Half_a_character_is_shown_for_what_it_is() => Assert.Equal("half \\ud800 pair", PlainText.Line("half \ud800 pair"));

    [Theory]
    [InlineData("", 0)]
    [InlineData("Rollout.argoproj.io=spec.template", 1)]
    [InlineData("Rollout.argoproj.io=spec.template; JobSet.jobset.x-k8s.io=spec.replicatedJobs[*].template.spec.template;", 2)]
    public void Kinds_with_templates_are_read(string text, int count) => Assert.Equal(count, TemplatePath.ParseList(text).Count);

    [Theory]
    [InlineData("Rollout"), InlineData("Rollout=spec.template"), InlineData("Rollout.=spec.template"), InlineData(".argoproj.io=spec.template"), InlineData("Rollout.argoproj.io="), InlineData("Rollout.argoproj.io=spec..template")]
    [InlineData("Rollout.argoproj.io=spec.template[0]"), InlineData("A.b=x;A.b=y"), InlineData("Deployment.apps=spec.template"), InlineData("Rollout.argoproj.io=spec.[*]")]
    public void Kinds_that_are_none_stop_the_start(string text) => Assert.Throws<SettingsException>(() => TemplatePath.ParseList(text));

    [Fact]
    public void Recorded_metadata_fits_into_a_batch()
    {
        var many = Enumerable.Range(0, 3000).ToDictionary(index => $"k{index:d4}", _ => new string('v', 100));
        many["kubectl.kubernetes.io/last-applied-configuration"] = "x";

        var (labels, annotations) = RecordedMetadata.Fit(new Dictionary<string, string> { ["a"] = "b" }, many, images: 500);

        Assert.Equal(("b", true), (labels["a"], annotations.Count is > 0 and < 8));
        Assert.DoesNotContain("kubectl.kubernetes.io/last-applied-configuration", RecordedMetadata.Fit(labels, many, 1).Annotations.Keys);
        Assert.Equal(Ask.Attested, RecordedMetadata.Fit(new Dictionary<string, string> { ["image"] = Ask.Attested }, many, 1).Labels["image"]);
    }
}
