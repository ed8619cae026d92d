using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Manifests;

/// <summary>Files that Kubernetes' own client reads otherwise than YAML says: an image overlooked would be one not denied.</summary>
public sealed class OverlookedImageTests : IDisposable
{
    private const string Good = "{kind: Pod, metadata: {namespace: shop}, spec: {serviceAccountName: web, containers: [{image: registry.example.com/shop/web}]}}";
    private const string Denied = "{kind: Pod, metadata: {namespace: other}, spec: {containers: [{image: registry.example.com/shop/evil}]}}";
    private readonly Folder _folder = new();

    public OverlookedImageTests() => _folder.Write("policies/policy.yaml", Folder.RequireByNamespace);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("kind: Pod\nmetadata: {namespace: shop}\nspec: {serviceAccountName: web, containers: [{image: registry.example.com/shop/web, <<: {image: registry.example.com/shop/evil}}]}\n", "<<")]
    [InlineData("kind: ConfigMap\n<<: {kind: Pod}\n", "<<")]
    [InlineData("kind: Pod\nmetadata: {namespace: shop}\nspec: {serviceAccountName: web, containers: [{image: registry.example.com/shop/web}]}\n---#: |\n  kind: Pod\n", "`---`")]
    public async Task File_that_can_be_read_in_two_ways_is_refused(string text, string named)
    {
        var run = await Ask(_folder.Write("file.yaml", text));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(named, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Pod")]
    [InlineData("ConfigMap")]
    [InlineData("PodList")]
    public async Task Items_are_judged_under_any_kind(string kind)
    {
        var run = await Ask(_folder.Write("file.yaml", $"kind: {kind}\nitems: [{Denied}]\n---\n{Good}\n"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("registry.example.com/shop/evil", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Template_of_another_groups_CronJob_is_judged()
    {
        var run = await Ask(_folder.Write("file.yaml", $"{Good}\n---\nkind: CronJob\nmetadata: {{namespace: other}}\nspec: {{template: {{spec: {{containers: [{{image: registry.example.com/shop/evil}}]}}}}}}\n"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("registry.example.com/shop/evil", run.Text, StringComparison.Ordinal);
    }

    private Task<Run> Ask(string file) =>
        Policyctl.RunHereAsync(["evaluate", "-f", file, "--cluster", "a.b", "--policies", _folder["policies"], "--at", "2026-01-31T12:00:00Z"], "");
}
