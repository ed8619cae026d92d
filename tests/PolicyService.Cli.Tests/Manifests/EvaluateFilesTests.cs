using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Manifests;

public sealed class EvaluateFilesTests : IDisposable
{
    private const string Pod = """
        apiVersion: v1
        kind: Pod
        metadata:
          namespace: shop
          annotations: {image-policy.k8s.io/break-glass: "true"}
        spec:
          serviceAccountName: web
          containers: [{name: web, image: registry.example.com/shop/web}]
        """;

    private readonly Folder _folder = new();

    public EvaluateFilesTests() => _folder.Write("policies/policy.yaml", Folder.RequireByNamespace);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_image_is_judged_as_its_workload()
    {
        var pod = _folder.Write("pod.yaml", Pod.Replace("  annotations: {image-policy.k8s.io/break-glass: \"true\"}\n", "", StringComparison.Ordinal));
        var others = _folder.Write("others.yaml", Pod.Replace("serviceAccountName: web", "x: y", StringComparison.Ordinal) + "\n---\n" + Pod.Replace("shop\n", "other\n", StringComparison.Ordinal));

        var run = await Ask("-f", pod, "-f", others, "registry.example.com/first");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            [
                "DENY  registry.example.com/first  on a.b",
                "ALLOW  registry.example.com/shop/web  on a.b", $"  for namespace shop, service account web, {pod}:7:28",
                "DRYRUN  registry.example.com/shop/web  on a.b", $"  for namespace shop, service account default, {others}:8:28",
                "DENY  registry.example.com/shop/web  on a.b", $"  for namespace other, service account web, {others}:17:28",
            ],
            run.Text.Split('\n').Where(line => line.Contains("  on ", StringComparison.Ordinal) || line.StartsWith("  for ", StringComparison.Ordinal)));
        Assert.Equal(2, run.ErrorLines.Length);
    }

    [Fact]
    public async Task Break_glass_marker_of_a_file_overrides_nothing()
    {
        var file = _folder.Write("pod.yaml", Pod.Replace("shop\n", "other\n", StringComparison.Ordinal));

        var marked = await Ask("-f", file);
        var asked = await Ask("-f", file, "--break-glass", "fire");

        Assert.Equal((1, 0), (marked.ExitCode, asked.ExitCode));
        Assert.Equal($"policyctl: {file}:4:3: note: the break-glass marker of a file is not honoured; ask with --break-glass JUSTIFICATION", Assert.Single(marked.ErrorLines));
    }

    [Fact]
    public async Task Json_names_the_workload()
    {
        var run = await Policyctl.RunHereAsync(
            ["evaluate", "-f", "-", "--cluster", "a.b", "--policies", _folder["policies"], "-o", "json", "--at", "2026-01-31T12:00:00Z"],
            """{"kind": "Pod", "metadata": {"namespace": "shop"}, "spec": {"serviceAccountName": "web", "containers": [{"image": "registry.example.com/shop/web"}]}}""");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(
            """
            {
              "image": "registry.example.com/shop/web",
              "namespace": "shop",
              "serviceAccount": "web",
              "verdict": "ALLOW",
              "conformance": "CONFORMANT",
              "reasons": [
                {
                  "code": "ALWAYS_ALLOW",
                  "text": "Image registry.example.com/shop/web allowed by Binary Authorization kubernetes service account admission rule for shop:web. Allowed by always_allow admission rule"
                }
              ],
              "policyEtag": "sha256:5d2f",
              "decisionId": "019c13ec",
              "breakGlass": false
            }

            """.ReplaceLineEndings("\n"),
            System.Text.RegularExpressions.Regex.Replace(run.Text, "(?<=\"policyEtag\": \"sha256:)[0-9a-f]{64}|(?<=\"decisionId\": \"019c13ec)[-0-9a-f]{28}", match => match.Value.Length == 64 ? "5d2f" : ""));
    }

    [Fact]
    public async Task Manifests_come_from_stdin_and_from_pipes()
    {
        var run = await Policyctl.RunHereAsync(["evaluate", "-f", "-", "--cluster", "a.b", "--policies", _folder["policies"]], Pod);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("stdin:8:28", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_manifest_says_reaches_the_server()
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Allow);
        var file = _folder.Write("pod.yaml", Pod);

        await Policyctl.RunHereAsync(Samples.Evaluate(server, "-f", file));

        var request = Assert.Single(server.Script.Requests);
        Assert.Equal(("registry.example.com/shop/web", "shop", "web"), (request.ImageDigest, request.Namespace, request.ServiceAccount));
        Assert.Equal("true", request.Annotations["image-policy.k8s.io/break-glass"]);
        Assert.Null(request.BreakGlass);
    }

    [Fact]
    public async Task Batches_stay_below_what_a_server_takes()
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Allow);
        var note = new string('x', 200 * 1024);
        var file = _folder.Write("pods.yaml", string.Join("\n---\n", Enumerable.Range(0, 18).Select(number => Pod
            .Replace("web}]", $"{number}}}]", StringComparison.Ordinal)
            .Replace("{image-policy.k8s.io/break-glass: \"true\"}", $"{{note: {note}}}", StringComparison.Ordinal))));

        var run = await Policyctl.RunHereAsync(Samples.Evaluate(server, "-f", file));

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal([15, 3], server.Script.BatchSizes);
    }

    [Theory]
    [InlineData("is a directory: name the files in it", "policies")]
    [InlineData("there is no file", "missing.yaml")]
    [InlineData("has more than 4194304 bytes", "/dev/zero")]
    [InlineData("no object in it runs an image", "/dev/null")]
    public async Task File_that_cannot_be_used_is_one_line(string because, string file)
    {
        var path = Path.Combine(_folder.Path, file);

        var run = await Ask("-f", path);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Contains(because, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Contains(path, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stdin_can_be_named_once()
    {
        var run = await Ask("-f", "-", "-f", "-");

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Contains("`-` stands twice", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_broken_file_keeps_all_from_being_judged()
    {
        var run = await Ask("-f", _folder.Write("pod.yaml", Pod), "-f", _folder.Write("broken.yaml", "kind: ["));

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
    }

    [Fact]
    public async Task Image_nobody_can_mean_is_invalid_input()
    {
        var run = await Ask("-f", _folder.Write("pod.yaml", Pod.Replace("shop/web}", "Shop}", StringComparison.Ordinal)));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(run.ErrorLines, line => line.Contains("image_digest: `registry.example.com/Shop`", StringComparison.Ordinal));
    }

    private Task<Run> Ask(params string[] more) => Policyctl.RunHereAsync(["evaluate", "--cluster", "a.b", "--policies", _folder["policies"], .. more]);
}
