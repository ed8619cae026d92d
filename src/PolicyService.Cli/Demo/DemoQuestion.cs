using PolicyService.Api.V1;
using PolicyService.Cli.Evaluations;

namespace PolicyService.Cli.Demo;

/// <summary>What an answer must be for the demo to succeed. Reasons are written `CODE` or `CODE DETAIL`.</summary>
internal sealed record DemoExpectation(Verdict Verdict, Conformance Conformance, string[] Reasons, Verdict Overridden = Verdict.Unspecified);

/// <summary>One question of the demo, and the answer it must get.</summary>
internal sealed record DemoQuestion(string Title, DemoImage Image, string Cluster, DemoExpectation Expected)
{
    private const string Missing = "DENIED_BY_ATTESTOR NO_ATTESTATION";

    public string? Justification { get; private init; }

    /// <summary>The report shows this answer's remedy and record.</summary>
    public bool IsRemedyShown { get; private init; }

    public EvaluateRequest Request => new()
    {
        ImageDigest = Image.Reference,
        Cluster = Cluster,
        BreakGlass = Justification is null ? null : new BreakGlass { Justification = Justification },
    };

    public static IReadOnlyList<DemoQuestion> All(DemoDocuments documents) =>
    [
        new(
            "attested",
            documents.Attested,
            DemoDocuments.Prod,
            new(Verdict.Allow, Conformance.Conformant, ["ATTESTED"])),
        new(
            "not attested",
            documents.Unattested,
            DemoDocuments.Prod,
            new(Verdict.Deny, Conformance.NonConformant, [Missing]))
        { IsRemedyShown = true },
        new(
            "not attested, dry run",
            documents.Unattested,
            DemoDocuments.Staging,
            new(Verdict.Dryrun, Conformance.NonConformant, [Missing])),
        new(
            "tampered signature",
            documents.Tampered,
            DemoDocuments.Prod,
            new(Verdict.Deny, Conformance.NonConformant, ["DENIED_BY_ATTESTOR SIGNATURE_INVALID"])),
        new(
            "with break-glass",
            documents.Unattested,
            DemoDocuments.Prod,
            new(Verdict.Allow, Conformance.NonConformant, ["BREAK_GLASS", Missing], Overridden: Verdict.Deny))
        { Justification = "payments are down, incident 4711" },
    ];
}

/// <summary>A question with the answer it got.</summary>
internal sealed record DemoOutcome(DemoQuestion Question, EvaluateResponse Response)
{
    public IEnumerable<string> Reasons => Response.Reasons.Select(reason => $"{WireNames.Of(reason.Code)} {reason.Detail}".TrimEnd());

    /// <summary>What differs from the expected answer, a line each; none if all is well.</summary>
    public IEnumerable<string> Differences()
    {
        var expected = Question.Expected;
        (string What, string Wanted, string Got)[] parts =
        [
            ("verdict", expected.Verdict.ToString(), Response.Verdict.ToString()),
            ("conformance", expected.Conformance.ToString(), Response.Conformance.ToString()),
            ("reasons", string.Join(", ", expected.Reasons), string.Join(", ", Reasons)),
            ("break-glass", (Question.Justification is not null).ToString(), Response.BreakGlass.ToString()),
            ("overridden verdict", expected.Overridden.ToString(), Response.OverriddenVerdict.ToString()),
        ];
        return parts
            .Where(part => part.Wanted != part.Got)
            .Select(part => $"{Question.Title} ({Question.Image.Short} on {Question.Cluster}): the {part.What} should be {part.Wanted} and is {part.Got}");
    }
}
