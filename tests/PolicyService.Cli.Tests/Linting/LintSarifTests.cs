using System.Text.Json.Nodes;
using NJsonSchema;
using PolicyService.Cli.Linting;
using PolicyService.Cli.Tests.Running;
using PolicyService.Core.Documents;
using PolicyService.Core.Linting;

namespace PolicyService.Cli.Tests.Linting;

/// <summary>What is written is SARIF by the standard's own schema, and by what the schema cannot say.</summary>
public sealed class LintSarifTests
{
    public static TheoryData<string> Files =>
    [
        "policies/policy.yaml", "./a b/policy.yaml", "100%/policy.yaml", "a%20b.yaml", "ü/日本.yaml", "a#b?c.yaml", "a:b.yaml", "../up/policy.yaml", "[1]{2}|^`.yaml", "a\"b\\c.yaml", "/abs olute/100%.yaml",
    ];

    [Fact]
    public async Task Findings_of_every_rule_are_valid_by_the_schema()
    {
        var sarif = Sarif([.. LintRule.All.Select(rule => new LintFinding(rule, "policies/policy.yaml", new Mark(3, 44), "message", "remedy"))]);

        Assert.Empty(await Problems(sarif));
        Assert.Equal(LintRule.All.Select(rule => rule.Code), Results(sarif).Select(result => (string?)result["ruleId"]));
    }

    [Fact]
    public async Task Report_of_nothing_is_valid_by_the_schema() => Assert.Empty(await Problems(Sarif([])));

    /// <summary>Else the two tests above would prove nothing.</summary>
    [Theory]
    [InlineData("no version", "", "version")]
    [InlineData("no runs", "", "runs")]
    [InlineData("no tool", "runs/0", "tool")]
    [InlineData("no name of the tool", "runs/0/tool/driver", "name")]
    [InlineData("no id of a rule", "runs/0/tool/driver/rules/0", "id")]
    [InlineData("no message", "runs/0/results/0", "message")]
    public async Task Schema_misses_what_is_left_out(string name, string place, string field)
    {
        var sarif = Sarif([new LintFinding(LintRule.Document, "policy.yaml", new Mark(1, 1), "message", "remedy")]);
        At(sarif, place).AsObject().Remove(field);

        Assert.True((await Problems(sarif)).Length > 0, name);
    }

    [Theory]
    [InlineData("level", "\"fatal\"")]
    [InlineData("level", "1")]
    [InlineData("ruleIndex", "-2")]
    [InlineData("locations", "{}")]
    [InlineData("remedy", "\"x\"")]
    public async Task Schema_refuses_what_is_no_SARIF(string field, string value)
    {
        var sarif = Sarif([new LintFinding(LintRule.Document, "policy.yaml", new Mark(1, 1), "message", "remedy")]);
        Results(sarif)[0][field] = JsonNode.Parse(value);

        Assert.NotEmpty(await Problems(sarif));
    }

    [Theory, MemberData(nameof(Files))]
    public async Task Place_is_a_uri_that_leads_back_to_the_file(string file)
    {
        var sarif = Sarif([new LintFinding(LintRule.Document, file, new Mark(2, 1), "message", "remedy")]);

        var place = Results(sarif)[0]["locations"]![0]!["physicalLocation"]!;
        var uri = (string)place["artifactLocation"]!["uri"]!;
        Assert.True(Uri.IsWellFormedUriString(uri, Path.IsPathRooted(file) ? UriKind.Absolute : UriKind.Relative), uri);
        var found = new Uri(new Uri("file:///repository/folder/"), uri).LocalPath;
        Assert.Equal(Path.GetFullPath(Path.Combine("/repository/folder", file)), found);
        Assert.Equal(2, (int)place["region"]!["startLine"]!);
        Assert.Empty(await Problems(sarif));
    }

    [Fact]
    public void Every_result_stands_at_a_line_and_points_to_its_rule()
    {
        var sarif = Sarif([.. LintRule.All.Reverse().Select(rule => new LintFinding(rule, "policy.yaml", new Mark(1, 1), "message", "remedy"))]);

        foreach (var result in Results(sarif))
        {
            Assert.Equal((string?)result["ruleId"], (string?)sarif["runs"]![0]!["tool"]!["driver"]!["rules"]![(int)result["ruleIndex"]!]!["id"]);
            Assert.True((int)result["locations"]![0]!["physicalLocation"]!["region"]!["startLine"]! >= 1);
        }
    }

    private static JsonNode Sarif(LintFinding[] findings)
    {
        using var output = new MemoryStream();
        LintSarif.Write(output, findings);
        return JsonNode.Parse(output.ToArray())!;
    }

    private static JsonNode[] Results(JsonNode sarif) => [.. sarif["runs"]![0]!["results"]!.AsArray().Select(result => result!)];

    private static JsonNode At(JsonNode node, string place) => place.Split('/', StringSplitOptions.RemoveEmptyEntries)
        .Aggregate(node, (parent, step) => int.TryParse(step, System.Globalization.CultureInfo.InvariantCulture, out var index) ? parent[index]! : parent[step]!);

    private static async Task<string[]> Problems(JsonNode sarif)
    {
        var schema = await JsonSchema.FromFileAsync(Folder.TestData("sarif", "sarif-schema-2.1.0.json"), TestContext.Current.CancellationToken);
        return [.. schema.Validate(sarif.ToJsonString()).Select(problem => problem.ToString())];
    }
}
