using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Server.Tests;
using PolicyService.Tests.Registries;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Tags become digests, through a real service and a registry that can be made to lie.</summary>
public sealed class MutateTests : IAsyncLifetime
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string Tags = "policyservice.dev/tags";
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(5);
    private readonly HostileRegistry _registry = new();
    private readonly Signer _signer = new();
    private TestServer? _server;
    private TestAdapter? _adapter;

    private ApiServerStandIn Cluster => _adapter!.ApiServer;

    private string Tagged => $"{_registry.Host}/acme/api:v1";

    public async ValueTask InitializeAsync()
    {
        var documents = DocumentsFolder.Standard(_signer);
        documents.Write("options.yaml", $"registries:\n- {{host: \"{_registry.Host}\", insecure: true}}\n");
        // A busy machine must not look like a slow registry: only the cluster's time ends.
        _server = await TestServer.StartAsync(documents, configure: services => services
            .AddSingleton(new RemoteLifetimes { Fetch = Patient })
            .AddSingleton(provider => new RegistryAccess(new RegistrySettings { Attempt = Patient }, provider.GetRequiredService<RegistryMetrics>(), provider.GetRequiredService<TimeProvider>())));
        _adapter = await TestAdapter.StartAsync(_server.GrpcUrl, settings => settings with { PinsTags = true });
        Serve("1");
    }

    public async ValueTask DisposeAsync()
    {
        await _adapter!.DisposeAsync();
        await _server!.DisposeAsync();
        await _registry.DisposeAsync();
        _signer.Dispose();
    }

    [Fact]
    public async Task Tag_gets_its_digest_wherever_it_stands_and_the_annotation_keeps_it()
    {
        var pod = AdmissionReviews.Pod(AdmissionReviews.Containers(("main", Tagged), ("pinned", Ask.Attested), ("bare", $"{_registry.Host}/acme/api")));
        pod = ValidateTests.With(ValidateTests.With(pod, "initContainers", "init", Tagged), "volumes", "data", $"{_registry.Host}/acme/data:2");

        var mutated = await MutateAsync(AdmissionReviews.Create(pod), pod);

        Assert.Equal([Pinned("1"), Ask.Attested, $"{_registry.Host}/acme/api"], mutated["spec"]!["containers"]!.AsArray().Select(ImageOf));
        Assert.Equal(Pinned("1"), ImageOf(mutated["spec"]!["initContainers"]![0]));
        Assert.Equal($"{_registry.Host}/acme/data:2@{DigestOf(Manifest("1"))}", mutated["spec"]!["volumes"]![0]!["image"]!["reference"]!.GetValue<string>());
        Assert.Equal(
            new Dictionary<string, string> { ["containers/main"] = Tagged, ["initContainers/init"] = Tagged, ["volumes/data"] = $"{_registry.Host}/acme/data:2" },
            TagsOf(mutated));
        // Each distinct image once.
        Assert.Equal(2, _registry.Calls.Count);
    }

    [Fact]
    public async Task Pinned_pod_is_left_alone()
    {
        var pod = AdmissionReviews.Pod(Tagged);
        var mutated = await MutateAsync(AdmissionReviews.Create(pod), pod);

        var again = await Cluster.AdmitAsync("/mutate", AdmissionReviews.Create(mutated).ToJsonString());

        Assert.Null(again.Patch);
        Assert.Empty(again.Warnings);
        Assert.Single(_registry.Calls);
    }

    [Fact]
    public async Task What_is_pinned_is_what_is_judged()
    {
        var pod = AdmissionReviews.Pod(Tagged);
        var mutated = await MutateAsync(AdmissionReviews.Create(pod), pod);
        _server!.Documents.Write("attestations/pinned.json", _signer.Occurrence($"{_registry.Host}/acme/api@{DigestOf(Manifest("1"))}"));
        await Eventually.Holds("the attestation counts", async () => (await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(mutated).ToJsonString())).IsAdmitted);

        Serve("2");

        // The tag moved: what is judged, and what will run, is what was pinned; the tag by itself is somebody else.
        Assert.True((await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(mutated).ToJsonString())).IsAdmitted);
        var again = await MutateAsync(AdmissionReviews.Create(pod), pod);
        Assert.Equal(Pinned("2"), ImageOf(again["spec"]!["containers"]![0]));
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(again).ToJsonString())).Status);
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(pod).ToJsonString())).Status);
    }

    [Fact]
    public async Task Update_pins_only_what_is_new_and_adds_to_the_annotation()
    {
        var old = AdmissionReviews.Pod(AdmissionReviews.Containers(("old", Tagged), ("main", "x:1"))).Annotated("a/b", "c").Annotated(Tags, "{\"containers/before\":\"y:1\"}");
        var pod = old.DeepClone().AsObject();
        pod["spec"]!["containers"]![1]!["image"] = Tagged;

        var mutated = await MutateAsync(AdmissionReviews.Update(pod, old), pod);

        Assert.Equal([Tagged, Pinned("1")], mutated["spec"]!["containers"]!.AsArray().Select(ImageOf));
        Assert.Equal(new Dictionary<string, string> { ["containers/before"] = "y:1", ["containers/main"] = Tagged }, TagsOf(mutated));
        Assert.Equal("c", mutated["metadata"]!["annotations"]!["a/b"]!.GetValue<string>());
    }

    [Fact]
    public async Task Annotation_that_anybody_wrote_is_replaced()
    {
        var pod = AdmissionReviews.Pod(Tagged).Annotated(Tags, "[not json");

        Assert.Equal(new Dictionary<string, string> { ["containers/c0"] = Tagged }, TagsOf(await MutateAsync(AdmissionReviews.Create(pod), pod)));
    }

    [Fact]
    public async Task Annotation_that_the_cluster_would_refuse_is_not_written()
    {
        foreach (var (length, isWritten) in new[] { (200_000, true), (262_100, false) })
        {
            var pod = AdmissionReviews.Pod(Tagged).Annotated("note", new string('x', length));
            var mutated = await MutateAsync(AdmissionReviews.Create(pod), pod);

            Assert.Equal(Pinned("1"), ImageOf(mutated["spec"]!["containers"]![0]));
            Assert.Equal(isWritten, mutated["metadata"]!["annotations"]![Tags] is not null);
        }
    }

    [Fact]
    public async Task Pod_without_metadata_gets_the_annotation_too()
    {
        var pod = AdmissionReviews.Pod(Tagged);
        pod.Remove("metadata");

        Assert.Equal(new Dictionary<string, string> { ["containers/c0"] = Tagged }, TagsOf(await MutateAsync(AdmissionReviews.Create(pod), pod)));
    }

    [Fact]
    public async Task Ephemeral_container_is_pinned_and_nothing_else_is_touched()
    {
        var old = AdmissionReviews.Pod(Ask.Attested);
        var pod = ValidateTests.With(old, "ephemeralContainers", "debug", Tagged);
        // The cluster takes no other change through this subresource.
        pod["spec"]!["containers"]![0]!["image"] = Tagged;

        var mutated = await MutateAsync(AdmissionReviews.Update(pod, old, "ephemeralcontainers"), pod);

        Assert.Equal(Pinned("1"), ImageOf(mutated["spec"]!["ephemeralContainers"]![0]));
        Assert.Equal(Tagged, ImageOf(mutated["spec"]!["containers"]![0]));
        Assert.Null(mutated["metadata"]!["annotations"]);
    }

    [Fact]
    public async Task Tag_that_cannot_be_resolved_stays_with_a_warning_beside_one_that_can()
    {
        var elsewhere = "nowhere.example.com/acme/api:v1";
        var pod = AdmissionReviews.Pod(elsewhere, Tagged);

        var view = await Cluster.AdmitAsync("/mutate", AdmissionReviews.Create(pod).ToJsonString());

        var mutated = Apply(pod, view.Patch!.Value);
        Assert.Equal([elsewhere, Pinned("1")], mutated["spec"]!["containers"]!.AsArray().Select(ImageOf));
        Assert.StartsWith($"the tag of {elsewhere} is not pinned: FailedPrecondition: ", Assert.Single(view.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_registry_leaves_the_tag_within_the_timeout()
    {
        _registry.Answer = _ => HostileAnswer.Of(HostileBody.Silent);
        var started = TimeProvider.System.GetTimestamp();

        var view = await Cluster.AdmitAsync("/mutate", AdmissionReviews.Create(AdmissionReviews.Pod(Tagged)).ToJsonString(), timeout: 2);

        var took = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"answered after {took.TotalMilliseconds:F0} ms of 2000");
        Assert.True(view.IsAdmitted && view.Patch is null, view.Message);
        Assert.Contains("is not pinned", Assert.Single(view.Warnings), StringComparison.Ordinal);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Service_that_is_away_leaves_the_tag()
    {
        await using var adapter = await TestAdapter.StartAsync("http://127.0.0.1:1", settings => settings with { PinsTags = true });

        var view = await adapter.ApiServer.AdmitAsync("/mutate", AdmissionReviews.Create(AdmissionReviews.Pod(Tagged)).ToJsonString(), timeout: 2);

        Assert.True(view.IsAdmitted && view.Patch is null, view.Message);
        Assert.Contains("is not pinned", Assert.Single(view.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_else_is_changed()
    {
        var pod = AdmissionReviews.Pod(Tagged);
        var owner = AdmissionReviews.Owner("Deployment", "spec.template", Tagged);
        await using var off = await TestAdapter.StartAsync(_server!.GrpcUrl);

        Assert.Null((await off.ApiServer.AdmitAsync("/mutate", AdmissionReviews.Create(pod).ToJsonString())).Patch);
        Assert.Null((await Cluster.AdmitAsync("/mutate", AdmissionReviews.Create(owner, "apps").ToJsonString())).Patch);
        Assert.Null((await Cluster.AdmitAsync("/mutate", AdmissionReviews.Review(null, pod, "DELETE").ToJsonString())).Patch);
        Assert.Null((await Cluster.AdmitAsync("/mutate", AdmissionReviews.Update(pod, AdmissionReviews.Pod("x:1"), "status").ToJsonString())).Patch);
        var untagged = await Cluster.AdmitAsync("/mutate", AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested, "busybox", $"{_registry.Host}/x", "sha256:" + new string('a', 64))).ToJsonString());
        Assert.Null(untagged.Patch);
        Assert.Empty(untagged.Warnings);
        var malformed = await Cluster.AdmitAsync("/mutate", AdmissionReviews.Create(pod.With("spec.containers", "x")).ToJsonString());
        Assert.True(malformed.IsAdmitted && malformed.Patch is null);
        Assert.Contains("tags are not pinned", Assert.Single(malformed.Warnings), StringComparison.Ordinal);
        Assert.Empty(_registry.Calls);
    }

    private static string Manifest(string version) =>
        $$"""{"schemaVersion": 2, "mediaType": "{{ManifestType}}", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{{DigestOf(version)}}", "size": 2}, "layers": []}""";

    private static string DigestOf(string text) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string ImageOf(JsonNode? container) => container!["image"]!.GetValue<string>();

    private static Dictionary<string, string>? TagsOf(JsonObject pod) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(pod["metadata"]!["annotations"]![Tags]!.GetValue<string>());

    /// <summary>Applies a patch as RFC 6902 says, as far as the adapter uses it.</summary>
    private static JsonObject Apply(JsonObject pod, JsonElement patch)
    {
        var changed = pod.DeepClone().AsObject();
        foreach (var operation in patch.EnumerateArray())
        {
            var steps = operation.GetProperty("path").GetString()!.Split('/')[1..].Select(step => step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)).ToArray();
            JsonNode place = changed;
            foreach (var step in steps[..^1])
            {
                place = (place is JsonArray list ? list[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)] : place[step])!;
            }

            Assert.True(operation.GetProperty("op").GetString() == "add" || place[steps[^1]] is not null, "a replacement of nothing");
            place[steps[^1]] = JsonNode.Parse(operation.GetProperty("value").GetRawText());
        }

        return changed;
    }

    private string Pinned(string version) => $"{Tagged}@{DigestOf(Manifest(version))}";

    private async Task<JsonObject> MutateAsync(JsonObject review, JsonObject pod)
    {
        var view = await Cluster.AdmitAsync("/mutate", review.ToJsonString());
        Assert.True(view.IsAdmitted && view.Patch is not null, view.Message + string.Join('\n', view.Warnings));
        return Apply(pod, view.Patch!.Value);
    }

    private void Serve(string version) => _registry.Answer = _ => HostileAnswer.Of(200, Manifest(version), $"content-type: {ManifestType}");
}
