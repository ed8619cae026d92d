using System.Globalization;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>
/// Says what in a documents directory is wrong, or is probably not what its author meant. Pure: the files are given as bytes.
/// </summary>
public static class PolicyLinter
{
    /// <summary>Lints all files of a directory together; paths are relative to it. Findings stand in the order of files and lines.</summary>
    /// <param name="files">The files that could be read.</param>
    /// <param name="time">The time as of which keys hold or have expired.</param>
    /// <param name="unread">What is wrong with those that could not.</param>
    public static IReadOnlyList<LintFinding> Lint(
        IReadOnlyCollection<(string Path, ReadOnlyMemory<byte> Content)> files, DateTimeOffset time, IReadOnlyCollection<DocumentProblem>? unread = null)
    {
        var linted = files.Select(file => Read(file.Path, file.Content)).ToArray();
        var conflicts = new List<DocumentProblem>();
        var directory = new LintedDirectory(linted, PolicySnapshot.Build(DocumentFiles.Assemble([.. linted.Select(file => file.Parsed)], conflicts), 1), time);
        return
        [
            .. linted.SelectMany(file => file.Parsed.Problems).Concat(conflicts).Select(problem => Problem(problem, LintRule.DocumentPart))
                .Concat((unread ?? []).Select(problem => Problem(problem, LintRule.DocumentMissing)))
                .Concat(linted.SelectMany(file => LintFile(file, directory)))
                .Distinct()
                .OrderBy(finding => finding.File, StringComparer.Ordinal)
                .ThenBy(finding => finding.Mark.Line)
                .ThenBy(finding => finding.Mark.Column)
                .ThenBy(finding => finding.Rule.Code, StringComparer.Ordinal),
        ];
    }

    private static LintedFile Read(string path, ReadOnlyMemory<byte> content)
    {
        var parsed = DocumentFiles.Parse(path, content);
        var tree = parsed.Content is null ? null : DocumentText.Read(content, new ProblemList(path)) is [var first, ..] ? first : null;
        return new LintedFile(parsed, tree);
    }

    private static LintFinding Problem(DocumentProblem problem, LintRule warning) => new(
        problem.Severity is ProblemSeverity.Error ? LintRule.Document : warning, problem.File, problem.Mark, problem.Message, problem.Remedy);

    private static IEnumerable<LintFinding> LintFile(LintedFile file, LintedDirectory directory) => file.Parsed.Content switch
    {
        Policy policy => PolicyRules.Lint(file, policy, directory.Snapshot),
        Attestor attestor => AttestorRules.Lint(file, attestor, directory),
        PlatformPolicy policy => PlatformRules.Lint(file, policy),
        ClusterBindings clusters => PlatformRules.LintBindings(file, clusters, directory.Snapshot),
        ProjectOptions => OptionsRules.Lint(file, directory),
        SystemPolicy => PatternLinter.Lint(file.Path, Patterns(file.Tree, "admissionWhitelistPatterns")),
        _ => [],
    };

    /// <summary>The patterns of a list of <c>{namePattern: …}</c> with their places.</summary>
    internal static IReadOnlyList<(NamePattern Pattern, Mark Mark)> Patterns(DocumentNode? tree, params ReadOnlySpan<string> steps)
    {
        var patterns = new List<(NamePattern, Mark)>();
        foreach (var item in NodePath.Items(NodePath.Find(tree, steps)))
        {
            var node = item is MappingNode ? NodePath.Find(item, "namePattern") : item;
            if (NamePattern.TryParse(NodePath.Text(node), out var pattern))
            {
                patterns.Add((pattern, node!.Mark));
            }
        }

        return patterns;
    }

    internal static string Number(int index) => index.ToString(CultureInfo.InvariantCulture);
}
