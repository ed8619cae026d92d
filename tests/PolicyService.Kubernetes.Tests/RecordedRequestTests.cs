using System.Net;
using System.Text;
using System.Text.Json;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Every request that was recorded of a real API server, sent again as it was: path, headers and body.</summary>
public sealed class RecordedRequestTests : IAsyncLifetime
{
    private const string Allowed = "reg.example/app* reg.example/init* reg.example/sidecar* docker.io/library/busybox*";
    private readonly Signer _signer = new();
    private TestServer? _server;
    private TestAdapter? _adapter;

    /// <summary>The recorded requests; one row that says so where they are not beside the repository.</summary>
    public static TheoryData<string> Files
    {
        get
        {
            string[] names = Recorded.Folder is null ? [] : [.. Recorded.Requests().Select(request => request.File)];
            return names.Length > 0 ? [.. names] : [Recorded.Missing];
        }
    }

    /// <summary>Images that the policy refuses, for each recorded admission that is judged; the others ask nothing.</summary>
    private static Dictionary<string, string[]> Refused { get; } = new()
    {
        ["admission-create-pods-user.json"] = [],
        ["admission-create-pods-user-dryrun.json"] = ["reg.example/lat:0"],
        ["admission-create-pods-job-controller.json"] = ["reg.example/job:1"],
        ["admission-create-pods-replicaset-controller.json"] = [Digest("deployment")],
        ["admission-create-pods-statefulset-controller.json"] = [Digest("statefulset")],
        ["admission-update-pods-ephemeralcontainers-user.json"] = ["reg.example/dbg:1"],
        ["admission-create-deployments-user.json"] = [Digest("deployment")],
        ["admission-create-deployments-user-dryrun.json"] = [Digest("replicaset")],
        ["admission-create-replicasets-deployment-controller.json"] = [Digest("deployment")],
        ["admission-create-replicasets-user.json"] = [Digest("replicaset")],
        ["admission-create-statefulsets-user.json"] = [Digest("statefulset")],
        ["admission-create-daemonsets-user.json"] = [Digest("daemonset")],
        ["admission-create-jobs-user.json"] = ["reg.example/job:1"],
        ["admission-create-jobs-cronjob-controller.json"] = ["reg.example/cron:1"],
        ["admission-create-cronjobs-user.json"] = ["reg.example/cron:1"],
    };

    public async ValueTask InitializeAsync()
    {
        var documents = DocumentsFolder.Standard(_signer);
        var patterns = string.Join("\n", Allowed.Split(' ').Select(pattern => $"- namePattern: {pattern}"));
        documents.Write("policy.yaml", $$"""
            name: projects/acme/policy
            admissionWhitelistPatterns:
            {{patterns}}
            defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
            """);
        _server = await TestServer.StartAsync(documents);
        _adapter = await TestAdapter.StartAsync(_server.GrpcUrl);
    }

    public async ValueTask DisposeAsync()
    {
        await _adapter!.DisposeAsync();
        await _server!.DisposeAsync();
        _signer.Dispose();
    }

    [Theory, MemberData(nameof(Files))]
    public async Task Recorded_request_is_answered_as_an_API_server_takes_it(string file)
    {
        if (file == Recorded.Missing)
        {
            return;
        }

        foreach (var request in Recorded.Requests().Where(request => request.File == file))
        {
            using var response = await SendAsync(request);
            Assert.Equal((HttpStatusCode.OK, "application/json", HttpVersion.Version20), (response.StatusCode, response.Content.Headers.ContentType?.ToString(), response.Version));
            var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
            if (request.Path.StartsWith("/validate", StringComparison.Ordinal))
            {
                await AssertAdmissionAsync(request, answer);
            }
            else
            {
                AssertImages(request, answer);
            }
        }
    }

    [Fact]
    public void Every_recorded_request_is_sent()
    {
        if (Recorded.Folder is null)
        {
            return;
        }

        Assert.Equal(44, Directory.GetFiles(Recorded.Folder, "*.json").Count(path => Path.GetFileName(path) != "SOURCE.json"));
        Assert.Equal(
            Directory.GetFiles(Recorded.Folder, "*.json").Select(path => Path.GetFileName(path)!).Where(name => name != "SOURCE.json").Order(StringComparer.Ordinal),
            Recorded.Requests().Select(request => request.File).Distinct().Order(StringComparer.Ordinal));
    }

    private async Task AssertAdmissionAsync(Recorded request, JsonElement answer)
    {
        var asked = request.Body.GetProperty("request");
        Assert.Equal(["apiVersion", "kind", "response"], answer.EnumerateObject().Select(field => field.Name));
        Assert.Equal(("admission.k8s.io/v1", "AdmissionReview"), (answer.GetProperty("apiVersion").GetString(), answer.GetProperty("kind").GetString()));
        var response = answer.GetProperty("response");
        Assert.Equal(asked.GetProperty("uid").GetString(), response.GetProperty("uid").GetString());
        Assert.False(response.TryGetProperty("patch", out _));
        var isPod = asked.GetProperty("kind").GetProperty("kind").GetString() == "Pod";
        if (!Refused.TryGetValue(request.File, out var refused))
        {
            // Deletions, connections, and updates that change no image.
            Assert.Equal(["uid", "allowed"], response.EnumerateObject().Select(field => field.Name));
            Assert.True(response.GetProperty("allowed").GetBoolean());
            return;
        }

        Assert.Equal(!isPod || refused.Length == 0, response.GetProperty("allowed").GetBoolean());
        var audit = response.GetProperty("auditAnnotations");
        Assert.Equal(refused.Length == 0 ? "ALLOW" : isPod ? "DENY" : "DRYRUN", audit.GetProperty("verdict").GetString());
        Assert.All(refused, image => Assert.Contains(image, audit.GetProperty("violations").GetString(), StringComparison.Ordinal));
        if (isPod && refused.Length > 0)
        {
            var status = response.GetProperty("status");
            Assert.Equal((403, "Forbidden"), (status.GetProperty("code").GetInt32(), status.GetProperty("reason").GetString()));
            Assert.Equal(string.Join('\n', refused.Select(Denial)), status.GetProperty("message").GetString());
        }
        else if (refused.Length > 0)
        {
            var kind = asked.GetProperty("kind").GetProperty("kind").GetString();
            Assert.All(refused, image => Assert.Contains(response.GetProperty("warnings").EnumerateArray(), warning =>
                warning.GetString()!.StartsWith($"pods of this {kind} would be refused: Image {image}", StringComparison.Ordinal)));
        }

        await AssertRecordsAsync(asked, audit, isPod);
    }

    /// <summary>What the service was asked stands in its records.</summary>
    private async Task AssertRecordsAsync(JsonElement asked, JsonElement audit, bool isPod)
    {
        foreach (var id in audit.GetProperty("decision-ids").GetString()!.Split(','))
        {
            var text = (await _server!.Records.Of(id)).GetRawText();
            Assert.Contains($"\"{asked.GetProperty("namespace").GetString()}\"", text, StringComparison.Ordinal);
            Assert.Contains("\"default\"", text, StringComparison.Ordinal);
            Assert.DoesNotContain("last-applied-configuration", text, StringComparison.Ordinal);
            var isPreview = !isPod || asked.GetProperty("dryRun").GetBoolean();
            Assert.Equal(isPreview, text.Contains("\"preview\":true", StringComparison.Ordinal));
        }
    }

    private static void AssertImages(Recorded request, JsonElement answer)
    {
        var images = request.Body.GetProperty("spec").GetProperty("containers").EnumerateArray().Select(container => container.GetProperty("image").GetString()!).ToArray();
        string[] allowed = ["reg.example/app", "reg.example/init", "reg.example/sidecar", "busybox"];
        var refused = images.Where(image => !allowed.Any(start => image.StartsWith(start, StringComparison.Ordinal))).Distinct().ToArray();
        Assert.Equal(["apiVersion", "kind", "metadata", "status"], answer.EnumerateObject().Select(field => field.Name));
        Assert.Equal(("imagepolicy.k8s.io/v1alpha1", "ImageReview"), (answer.GetProperty("apiVersion").GetString(), answer.GetProperty("kind").GetString()));
        var status = answer.GetProperty("status");
        Assert.Equal(refused.Length == 0, status.GetProperty("allowed").GetBoolean());
        Assert.Equal(refused.Length == 0 ? "ALLOW" : "DENY", status.GetProperty("auditAnnotations").GetProperty("verdict").GetString());
        Assert.Equal(refused.Length > 0, status.TryGetProperty("reason", out var reason));
        if (refused.Length > 0)
        {
            Assert.Equal(string.Join('\n', refused.Select(Denial)), reason.GetString());
        }
    }

    /// <summary>Binary Authorization's text, and the remedy.</summary>
    private static string Denial(string image) => $"Image {image} denied by Binary Authorization default admission rule. Denied by always_deny admission rule\n  no attestation admits an image under this rule; another rule, or the allowlist, must name it";

    private static string Digest(string name) => $"reg.example/{name}@sha256:{new string('0', 63)}7";

    private Task<HttpResponseMessage> SendAsync(Recorded request)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(request.Body.GetRawText()));
        content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/json");
        // The path as recorded, with time enough for a busy machine.
        return _adapter!.ApiServer.PostAsync(request.Path.Replace("timeout=2s", "timeout=30s", StringComparison.Ordinal).Replace("timeout=5s", "timeout=30s", StringComparison.Ordinal), content);
    }
}

/// <summary>A recorded request.</summary>
internal sealed record Recorded(string File, string Path, JsonElement Body)
{
    public const string Missing = "the recorded requests are not beside the repository";

    /// <summary>Where they are: <c>KUBERNETES_VECTORS</c>, or beside the repository; null: nowhere.</summary>
    public static string? Folder { get; } = Find();

    public static IEnumerable<Recorded> Requests() => System.IO.File.ReadLines(System.IO.Path.Combine(Folder!, "requests.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
        .Select(line => new Recorded(line.GetProperty("file").GetString()!, line.GetProperty("path").GetString()!, line.GetProperty("body")));

    private static string? Find()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !System.IO.File.Exists(System.IO.Path.Combine(root.FullName, "PolicyService.sln")))
        {
            root = root.Parent;
        }

        // A worktree of the repository lies elsewhere.
        string?[] folders = [Environment.GetEnvironmentVariable("KUBERNETES_VECTORS"), System.IO.Path.Combine(root?.Parent?.FullName ?? "/", "shared", "vectors", "kubernetes")];
        return folders.FirstOrDefault(folder => folder is not null && System.IO.File.Exists(System.IO.Path.Combine(folder, "requests.jsonl")));
    }
}
