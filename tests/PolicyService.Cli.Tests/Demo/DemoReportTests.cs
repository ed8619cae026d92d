using PolicyService.Api.V1;
using PolicyService.Cli.Demo;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Tests.Demo;

public sealed class DemoReportTests
{
    private static readonly DemoQuestion Question = new(
        "with break-glass",
        DemoImage.Named("shop/payments"),
        DemoDocuments.Staging,
        new DemoExpectation(Verdict.Allow, Conformance.Conformant, ["DENIED_BY_ATTESTOR NO_ATTESTATION"]));

    [Theory]
    [InlineData(80, true)]
    [InlineData(200, true)]
    [InlineData(79, false)]
    [InlineData(30, false)]
    public void Answers_are_a_table_where_there_is_room(int width, bool isTable)
    {
        var text = Shown(width);

        Assert.Equal(isTable, text.Contains('│'));
        // No word is broken, whatever the width.
        Assert.All(
            ["ALLOW", Question.Image.Short, Question.Title, Question.Cluster, "DENIED_BY_ATTESTOR", "NO_ATTESTATION"],
            word => Assert.Contains(word, text, StringComparison.Ordinal));
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void Expected_answer_has_no_differences() => Assert.Empty(new DemoOutcome(Question, Expected).Differences());

    public static TheoryData<string, Action<EvaluateResponse>> Changes => new()
    {
        { "verdict", response => response.Verdict = Verdict.Dryrun },
        { "conformance", response => response.Conformance = Conformance.Error },
        { "reasons", response => response.Reasons[0].Code = ReasonCode.Attested },
        { "reasons", response => response.Reasons[0].Detail = "KEY_UNKNOWN" },
        { "reasons", response => response.Reasons.Clear() },
        { "reasons", response => response.Reasons.Add(new Reason { Code = ReasonCode.Attested }) },
        { "break-glass", response => response.BreakGlass = true },
        { "overridden verdict", response => response.OverriddenVerdict = Verdict.Deny },
    };

    [Theory, MemberData(nameof(Changes), DisableDiscoveryEnumeration = true)]
    public void Every_difference_is_named(string part, Action<EvaluateResponse> change)
    {
        var response = Expected;
        change(response);

        var difference = Assert.Single(new DemoOutcome(Question, response).Differences());

        Assert.Contains($"the {part} should be ", difference, StringComparison.Ordinal);
        Assert.Contains(Question.Title, difference, StringComparison.Ordinal);
    }

    private static EvaluateResponse Expected => new()
    {
        Verdict = Verdict.Allow,
        Conformance = Conformance.Conformant,
        Reasons = { new Reason { Code = ReasonCode.DeniedByAttestor, Detail = "NO_ATTESTATION" } },
    };

    private static string Shown(int width)
    {
        var writer = new StringWriter();
        var screen = Screen.Open(writer, decorated: false);
        screen.Profile.Width = width;
        DemoReport.WriteTable(screen, [new DemoOutcome(Question, Expected)]);
        return writer.ToString();
    }
}
