using System.Text;
using System.Text.Json.Nodes;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>
/// Evaluates CEL with an implementation that is not ours (tests/tools/cel.mjs). The API server's types, cost limits and further libraries are not in it.
/// </summary>
public static class Cel
{
    /// <summary>The answer in JSON: <c>{"value": …}</c> or <c>{"error": …}</c>.</summary>
    public static async Task<string> Evaluate(string expression, string bindings, IEnumerable<KeyValuePair<string, string>>? variables = null)
    {
        var question = new JsonObject
        {
            ["expression"] = expression,
            ["bindings"] = JsonNode.Parse(bindings),
            ["variables"] = new JsonArray([.. (variables ?? []).Select(variable => new JsonObject { ["name"] = variable.Key, ["expression"] = variable.Value })]),
        };
        var start = Overlay.StartInfo("node", Path.Combine(Overlay.Source, "..", "tests", "tools", "cel.mjs"));
        var run = await Policyctl.RunAsync(start, Encoding.UTF8.GetBytes(question.ToJsonString()));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run.Text.TrimEnd();
    }
}
