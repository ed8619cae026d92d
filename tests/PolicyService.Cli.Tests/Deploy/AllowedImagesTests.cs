using System.Text.Json.Nodes;
using k8s.Models;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>The list of digests of the exempt namespaces, evaluated as the API server would: what is not listed does not run, and we ourselves do.</summary>
public sealed class AllowedImagesTests
{
    private const string Listed = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private const string Other = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    public static TheoryData<string, string, string, string?> Pods => new()
    {
        { "a listed digest", """{"containers": [{"name": "a", "image": "r/a@LISTED"}]}""", "", null },
        { "a listed digest under another name and tag", """{"containers": [{"name": "a", "image": "r.example.com:5000/x:1@LISTED"}]}""", "", null },
        { "a second line of the list", """{"containers": [{"name": "a", "image": "r/a@OTHER"}]}""", "", null },
        { "another digest", """{"containers": [{"name": "a", "image": "r/a@sha256:cccc"}]}""", "containers/a/r/a@sha256:cccc", null },
        { "a tag", """{"containers": [{"name": "a", "image": "r/a:1"}]}""", "containers/a/r/a:1", null },
        { "no image", """{"containers": [{"name": "a"}]}""", "containers/a/", null },
        { "an empty line of the list allows nothing", """{"containers": [{"name": "a", "image": "r/a@"}]}""", "containers/a/r/a@", null },
        { "a digest as a name", """{"containers": [{"name": "a", "image": "LISTED/x"}]}""", "containers/a/LISTED/x", null },
        { "an init container", """{"containers": [{"name": "a", "image": "r/a@LISTED"}], "initContainers": [{"name": "i", "image": "r/i:1"}]}""", "initContainers/i/r/i:1", null },
        { "an image volume", """{"containers": [{"name": "a", "image": "r/a@LISTED"}], "volumes": [{"name": "e", "emptyDir": {}}, {"name": "v", "image": {"reference": "r/v:1"}}]}""", "volumes/v/r/v:1", null },
        { "an image volume without reference", """{"containers": [{"name": "a", "image": "r/a@LISTED"}], "volumes": [{"name": "v", "image": {}}]}""", "volumes/v/", null },
        { "an ephemeral container", """{"containers": [{"name": "a", "image": "r/old:1"}], "ephemeralContainers": [{"name": "d", "image": "r/old:1"}]}""", "ephemeralContainers/d/r/old:1", """{"containers": [{"name": "a", "image": "r/old:1"}]}""" },
        { "a pod from before, changed elsewhere", """{"containers": [{"name": "a", "image": "r/old:1"}], "tolerations": []}""", "", """{"containers": [{"name": "a", "image": "r/old:1"}]}""" },
        { "a pod from before with another image", """{"containers": [{"name": "a", "image": "r/new:1"}]}""", "containers/a/r/new:1", """{"containers": [{"name": "a", "image": "r/old:1"}]}""" },
    };

    [Theory, MemberData(nameof(Pods)), Trait("attack", "109"), Trait("attack", "112")]
    public async Task Only_what_is_listed_or_was_there_runs(string name, string spec, string unlisted, string? earlier)
    {
        var lists = new JsonObject { ["policyservice"] = Listed, ["policyservice-adapter"] = "", ["previous"] = $" {Other} \nnonsense\nsha256:\n" };

        Assert.True(Read(unlisted) == await Unlisted(Read(spec), lists, earlier is null ? null : Read(earlier)), name);

        static string Read(string text) => text.Replace("LISTED", Listed, StringComparison.Ordinal).Replace("OTHER", Other, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gke")]
    [InlineData("on-prem")]
    [InlineData("quickstart")]
    public async Task Our_own_roll_out_is_listed_and_says_so_in_one_place(string overlay)
    {
        var objects = await Overlay.Of(overlay);
        var lists = new JsonObject(objects.One<V1ConfigMap>("allowed-images").Data.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));

        foreach (var container in objects.Deployments.SelectMany(deployment => deployment.Spec.Template.Spec.Containers))
        {
            var spec = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = container.Name, ["image"] = container.Image }) };
            Assert.Equal("", await Unlisted(spec.ToJsonString(), lists, null));
        }
    }

    [Fact]
    public async Task A_list_without_anything_allows_nothing() =>
        Assert.Equal("containers/a/x@" + Listed, await Unlisted($$"""{"containers": [{"name": "a", "image": "x@{{Listed}}"}]}""", null, null));

    /// <summary>What the policy refuses, as its message has it; empty if it refuses nothing.</summary>
    private static async Task<string> Unlisted(string spec, JsonObject? lists, string? earlier)
    {
        var policy = Assert.Single((await Overlay.Of("on-prem")).All<V1ValidatingAdmissionPolicy>());
        var variables = policy.Spec.Variables.Select(variable => KeyValuePair.Create(variable.Name, variable.Expression));
        var parameters = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "list", ["namespace"] = "ours" } };
        if (lists is not null)
        {
            parameters["data"] = lists.DeepClone();
        }

        var bindings = new JsonObject
        {
            ["params"] = parameters,
            ["object"] = new JsonObject { ["spec"] = JsonNode.Parse(spec) },
            ["oldObject"] = earlier is null ? null : new JsonObject { ["spec"] = JsonNode.Parse(earlier) },
        }.ToJsonString();
        var validation = Assert.Single(policy.Spec.Validations);
        var passes = await Cel.Evaluate(validation.Expression, bindings, variables);
        var message = JsonNode.Parse(await Cel.Evaluate(validation.MessageExpression, bindings, variables))!["value"]!.GetValue<string>();
        const string start = "not in this namespace's list of allowed digests (ConfigMap ours/list): ";
        Assert.StartsWith(start, message, StringComparison.Ordinal);
        Assert.Equal($$"""{"value":{{(message == start ? "true" : "false")}}}""", passes);
        return message[start.Length..];
    }
}
