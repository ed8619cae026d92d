using PolicyService.Core.Linting;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Linting;

public sealed class LintRuleTests
{
    [Fact]
    public void Operations_page_lists_every_rule()
    {
        var page = File.ReadAllText(Path.Combine(CaseFolder.Root, "..", "..", "..", "docs", "operations.md"));
        var rows = LintRule.All.Select(rule => $"| {rule.Code} | {rule.Severity.ToString().ToLowerInvariant()} | {rule.Summary} |\n");

        Assert.Contains($"| code | severity | what |\n| --- | --- | --- |\n{string.Concat(rows)}\n", page, StringComparison.Ordinal);
    }
}
