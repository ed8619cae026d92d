using PolicyService.Tests;

namespace PolicyService.Core.Tests.Cases;

/// <summary><c>expected.tsv</c>: what each case must give, in short, and how an answer is put in that form.</summary>
internal static class ExpectedTable
{
    private const string Header = "case\tverdict\tconformance\treasons\tmore";

    private static readonly Dictionary<string, string> Lines = Read();

    public static IReadOnlyList<string> Names { get; } = [.. Lines.Keys.Order(StringComparer.Ordinal)];

    public static string LineOf(string name) => Lines[name];

    public static string Line(string name, CaseAnswer answer)
    {
        if (answer.Error is { } error)
        {
            return string.Join('\t', name, error.Code, error.Field, "", "");
        }

        string?[] more =
        [
            answer.OverriddenVerdict is null && answer.BreakGlass is false ? null : $"over={answer.OverriddenVerdict}/{answer.OverriddenConformance}",
            answer.FailMode is null ? null : $"fail_mode={answer.FailMode}",
            answer.Stale is true ? "stale" : null,
        ];
        var reasons = answer.Reasons!.Select(reason => reason.Detail is null ? reason.Code : $"{reason.Code}:{reason.Detail}");
        return string.Join('\t', name, answer.Verdict, answer.Conformance, string.Join(',', reasons), string.Join(' ', more.Where(item => item is not null)));
    }

    private static Dictionary<string, string> Read()
    {
        var lines = File.ReadAllLines(Path.Combine(CaseFolder.Root, "expected.tsv"));
        return lines[0] == Header
            ? lines.Skip(1).ToDictionary(line => line.Split('\t')[0], StringComparer.Ordinal)
            : throw new InvalidDataException("expected.tsv has another header");
    }
}
