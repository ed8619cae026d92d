using PolicyService.Core.Checks;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Cases;

/// <summary>
/// Every folder of <c>tests/testdata/evaluate</c>, twice: in short against <c>expected.tsv</c>, which was read off the
/// specification, and in full against its <c>want.json</c>, which was printed.
/// </summary>
public sealed class EvaluateCaseTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => CaseFolder.Names.Select(CaseAttacks.RowOf);

    [Theory, MemberData(nameof(Cases))]
    public void Evaluate_decides_as_the_specification_says(string name) =>
        Assert.Equal(ExpectedTable.LineOf(name), ExpectedTable.Line(name, CaseRun.Ask(CaseFolder.Load(name))));

    [Theory, MemberData(nameof(Cases))]
    public void Evaluate_gives_the_golden_answer(string name)
    {
        var folder = CaseFolder.Load(name);
        folder.AssertGolden(CaseRun.Ask(folder));
    }

    [Fact]
    public void Corpus_has_its_size_and_every_case_an_expectation()
    {
        Assert.InRange(CaseFolder.Names.Count, 100, 1_000);
        Assert.Equal(CaseFolder.Names, ExpectedTable.Names);
    }

    [Fact]
    public void Corpus_has_every_reason_code()
    {
        var seen = Reasons().Select(reason => reason.Code).ToHashSet(StringComparer.Ordinal);

        Assert.All(Enum.GetValues<ReasonCode>().Where(code => code is not ReasonCode.Unspecified), code => Assert.Contains(ReasonNames.Of(code), seen));
    }

    [Fact]
    public void Corpus_has_every_detail_of_an_attestor()
    {
        var seen = Reasons().Where(reason => reason.Code == "DENIED_BY_ATTESTOR").Select(reason => reason.Detail).ToHashSet(StringComparer.Ordinal);

        // NO_PERMISSION needs rules of access, which no folder of documents has.
        Assert.All(
            Enum.GetValues<AttestorDetail>().Where(detail => detail is not (AttestorDetail.Unspecified or AttestorDetail.NoPermission)),
            detail => Assert.Contains(ReasonNames.Of(detail), seen));
    }

    [Fact]
    public void Corpus_says_why_a_server_cannot_answer_whenever_facts_are_supplied() =>
        Assert.All(CaseFolder.Names.Select(CaseFolder.Load), folder => Assert.True(folder.Question.Facts is null || folder.Question.CoreOnly is { Length: > 0 }, folder.Name));

    [Fact]
    public void Corpus_asks_at_one_time() =>
        Assert.Single(CaseFolder.Names.Select(name => CaseFolder.Load(name).Question.EvaluateTime).Distinct());

    [Fact]
    public void Attack_table_names_existing_cases() => Assert.Empty(CaseAttacks.Unmatched(CaseFolder.Names));

    private static IEnumerable<CaseReason> Reasons() => CaseFolder.Names.SelectMany(name => CaseFolder.Load(name).Want().Reasons ?? []);
}
