using PolicyService.Cli.Manifests;
using PolicyService.Cli.Tests.Running;
using PolicyService.Core.Documents;
using PolicyService.Core.Manifests;

namespace PolicyService.Cli.Tests.Manifests;

/// <summary>
/// The files of <c>tests/testdata/manifests</c>: beside each stands what it runs, image, namespace, service account and place; those
/// that end in <c>_fail</c> must be refused.
/// </summary>
public sealed class ManifestCorpusTests
{
    private static readonly string[] Files = [.. Directory.GetFiles(Folder.TestData("manifests")).Where(file => !file.EndsWith(".want", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static readonly Dictionary<string, string> Problems = new()
    {
        ["anchors_fail.yaml"] = "5:7: error: not YAML: anchors are not taken, write the value out; ",
        ["broken-second-document_fail.yaml"] = "6:1: error: not YAML: ",
        ["container-no-mapping_fail.yaml"] = "3:21: error: an item of `containers` is `registry.example.com/a`; ",
        ["containers-no-list_fail.yaml"] = "3:20: error: `containers` is a mapping; write a list",
        ["empty-image_fail.yaml"] = "3:31: error: `image` is missing, so it is not known what would run; ",
        ["empty_fail.yaml"] = "1:1: error: no object in it runs an image; ",
        ["key-twice_fail.yaml"] = "3:62: error: the key `image` stands twice; keep one of the two",
        ["label-no-string_fail.yaml"] = "3:21: error: `labels.a` is a list; write a string",
        ["no-image_fail.yaml"] = "3:63: error: `image` is missing, so it is not known what would run; ",
        ["no-kind_fail.yaml"] = "1:1: error: the document has no `kind`, so it is no Kubernetes manifest; ",
        ["no-mapping_fail.yaml"] = "1:1: error: the manifest is a list; ",
        ["no-pods_fail.yaml"] = "1:1: error: no object in it runs an image; ",
        ["not-utf8_fail.yaml"] = "1:1: error: the document is not UTF-8; save it as UTF-8",
        ["spec-no-mapping_fail.yaml"] = "3:7: error: `spec` is `registry.example.com/a`; ",
        ["template-of-another-tool_fail.yaml"] = "error: not YAML: ",
        ["volume-without-reference_fail.yaml"] = "3:91: error: `reference` is missing, so it is not known what would run; ",
    };

    public static TheoryData<string> Sound => [.. Files.Select(file => Path.GetFileName(file)).Where(name => !name.Contains("_fail", StringComparison.Ordinal))];

    public static TheoryData<string> Broken => [.. Files.Select(file => Path.GetFileName(file)).Where(name => name.Contains("_fail", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(Sound))]
    public async Task Images_of_a_manifest_are_those_it_runs(string name)
    {
        var want = await File.ReadAllLinesAsync(Path.ChangeExtension(Folder.TestData("manifests", name), ".want"), TestContext.Current.CancellationToken);

        var (images, error) = Read(name);

        Assert.Equal("", error);
        Assert.Equal(want, images);
    }

    [Theory, MemberData(nameof(Broken))]
    public async Task Manifest_that_cannot_be_read_is_refused_with_place_and_remedy(string name)
    {
        using var folder = new Folder();
        folder.Write("policy.yaml", Folder.RequireByNamespace);
        var file = Folder.TestData("manifests", name);

        var run = await Policyctl.RunHereAsync("evaluate", "-f", file, "--cluster", "a.b", "--policies", folder.Path);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.StartsWith($"policyctl: {file}:", run.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains(Problems[name], run.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("; ", run.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Every_broken_manifest_has_its_problem() => Assert.Equal(Broken.Select(row => row.Data).Order(StringComparer.Ordinal), Problems.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("other", null, "other", "default")]
    [InlineData(null, "other", "", "other")]
    [InlineData("other", "one", "other", "one")]
    public void Given_workload_counts_instead_of_what_the_manifest_says(string? space, string? account, string expectedSpace, string expectedAccount)
    {
        var image = Assert.Single(ManifestReader.Read(Bytes("{kind: Pod, spec: {containers: [{image: a}]}}"), space, account, new ProblemList("x.yaml")).Images);

        Assert.Equal((expectedSpace, expectedAccount), (image.Namespace, image.ServiceAccount));
    }

    [Fact]
    public void Metadata_of_the_pod_goes_along_and_that_of_its_owner_does_not()
    {
        var image = Assert.Single(ManifestReader.Read(
            Bytes("{kind: Job, metadata: {labels: {owner: x}}, spec: {template: {metadata: {labels: {a: b}, annotations: {c: '1', d: null}}, spec: {containers: [{image: a}]}}}}"),
            null, null, new ProblemList("x.yaml")).Images);

        Assert.Equal(new Dictionary<string, string> { ["a"] = "b" }, image.Labels);
        Assert.Equal(new Dictionary<string, string> { ["c"] = "1", ["d"] = "" }, image.Annotations);
    }

    [Theory]
    [InlineData("annotations", "image-policy.k8s.io/break-glass", "true", true)]
    [InlineData("labels", "image-policy.k8s.io/break-glass", "true", true)]
    [InlineData("annotations", "alpha.image-policy.k8s.io/break-glass", "true", true)]
    [InlineData("labels", "alpha.image-policy.k8s.io/break-glass", "true", false)]
    [InlineData("annotations", "image-policy.k8s.io/break-glass", "True", false)]
    [InlineData("annotations", "image-policy.k8s.io/break-glass", "", false)]
    public void Break_glass_marker_is_remarked_upon(string field, string key, string value, bool isNoted)
    {
        var content = ManifestReader.Read(Bytes($"{{kind: Pod, metadata: {{{field}: {{{key}: '{value}'}}}}, spec: {{containers: [{{image: a}}]}}}}"), null, null, new ProblemList("x.yaml"));

        Assert.Equal(isNoted ? ["x.yaml:1:23: note: the break-glass marker of a file is not honoured; ask with --break-glass JUSTIFICATION"] : [], content.Notes);
    }

    private static (string[] Images, string Error) Read(string name)
    {
        using var error = new StringWriter();
        var terminal = new Cli.Outputs.Terminal(Stream.Null, Stream.Null, TextWriter.Null, error, IsPiped: true);
        var images = ManifestFiles.Read([Folder.TestData("manifests", name)], null, null, terminal) ?? [];
        return ([.. images.Select(image => $"{image.Image}\t{image.Namespace}\t{image.ServiceAccount}\t{image.Mark.Line}:{image.Mark.Column}")], error.ToString());
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}
