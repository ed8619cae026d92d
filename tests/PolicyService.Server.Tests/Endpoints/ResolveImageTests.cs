using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Server.Tests.Access;
using PolicyService.Tests.Registries;

namespace PolicyService.Server.Tests.Endpoints;

/// <summary>The digest that a tag names: what callers get, and each way not to get it.</summary>
public sealed class ResolveImageTests : IAsyncLifetime
{
    private const string Cluster = "dc1.edge";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string IndexType = "application/vnd.docker.distribution.manifest.list.v2+json";
    private static readonly string Manifest = $$"""{"schemaVersion": 2, "mediaType": "{{ManifestType}}", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{{DigestOf("{}")}}", "size": 2}, "layers": []}""";
    private static readonly string Index = $$"""{"schemaVersion": 2, "mediaType": "{{IndexType}}", "manifests": [{"mediaType": "{{ManifestType}}", "digest": "{{DigestOf(Manifest)}}", "size": {{Manifest.Length}}}]}""";
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(5);
    private readonly HostileRegistry _registry = new();
    private TestServer? _server;

    private TestServer Server => _server!;

    /// <summary>What the registry answers, the status, and what its text has.</summary>
    public static TheoryData<string, StatusCode, string> Failing => new()
    {
        { "not there", StatusCode.NotFound, "has no tag `v1`" },
        { "unknown repository", StatusCode.NotFound, "REGISTRY:NOT_FOUND: " },
        { "401", StatusCode.FailedPrecondition, "REGISTRY:UNAUTHENTICATED: " },
        { "403", StatusCode.FailedPrecondition, "REGISTRY:PERMISSION_DENIED: " },
        { "redirect", StatusCode.FailedPrecondition, "REGISTRY:REDIRECT_REFUSED: " },
        { "418", StatusCode.FailedPrecondition, "REGISTRY:REFUSED: " },
        { "429", StatusCode.ResourceExhausted, "REGISTRY:RATE_LIMITED: " },
        { "500", StatusCode.Unavailable, "REGISTRY:SERVER_ERROR: " },
        { "hangup", StatusCode.Unavailable, "REGISTRY:CONNECTION: " },
        { "cut off", StatusCode.Unavailable, "REGISTRY:TRUNCATED: " },
        { "another digest", StatusCode.Unavailable, "REGISTRY:WRONG_DIGEST: " },
        { "no manifest", StatusCode.Unavailable, "REGISTRY:MALFORMED: " },
        { "manifest and index in one", StatusCode.Unavailable, "REGISTRY:MALFORMED: " },
        { "too large", StatusCode.ResourceExhausted, "REGISTRY:TOO_LARGE: " },
    };

    /// <summary>Why, what is asked, and what the message begins with.</summary>
    public static TheoryData<string, string, string, string, string> Unusable => new()
    {
        { "empty", "", Cluster, "", "image: " },
        { "space", "HOST/acme/api:v1 ", Cluster, "", "image: " },
        { "no tag", "HOST/acme/api", Cluster, "", "image: `HOST/acme/api` is not usable: it has no tag and no digest" },
        { "sha512", $"HOST/acme/api:v1@sha512:{new string('a', 128)}", Cluster, "", "image: " },
        { "malformed digest", "HOST/acme/api@sha256:abc", Cluster, "", "image: " },
        { "too long", "HOST/" + new string('a', 1020) + ":v1", Cluster, "", "image: " },
        { "no cluster", "HOST/acme/api:v1", "", "", "cluster: " },
        { "cluster that is none", "HOST/acme/api:v1", "edge", "", "cluster: " },
        { "project that is none", "HOST/acme/api:v1", Cluster, "No Project", "project: " },
        { "another project than the cluster's", "HOST/acme/api:v1", Cluster, "other", "project: " },
        { "another project, and a digest", "HOST/acme/api@" + DigestOf("x"), Cluster, "other", "project: " },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await StartAsync(Documents());

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task Tag_is_answered_with_its_digest()
    {
        Serve(Manifest);

        var answer = await ResolveAsync(Server, $"{_registry.Host}/acme/api:v1");

        Assert.Equal(($"{_registry.Host}/acme/api:v1@{DigestOf(Manifest)}", DigestOf(Manifest), ManifestType, false), (answer.ImageDigest, answer.Digest, answer.MediaType, answer.IsIndex));
        Assert.Equal(["/v2/acme/api/manifests/v1"], _registry.Calls.Select(call => call.Path));
    }

    [Fact]
    public async Task Index_stays_an_index()
    {
        Serve(Index);

        var answer = await ResolveAsync(Server, $"{_registry.Host}/acme/api:v1");

        Assert.Equal((DigestOf(Index), IndexType, true), (answer.Digest, answer.MediaType, answer.IsIndex));
        Assert.Single(_registry.Calls);
    }

    [Fact]
    public async Task Document_that_says_nothing_of_itself_is_what_its_fields_are()
    {
        Serve(Index.Replace($"\"mediaType\": \"{IndexType}\", ", "", StringComparison.Ordinal));

        Assert.Equal(("application/vnd.oci.image.index.v1+json", true), await ResolveAsync(Server, $"{_registry.Host}/acme/api:v1") is var answer ? (answer.MediaType, answer.IsIndex) : default);
    }

    [Fact]
    public async Task Moved_tag_is_seen_at_once()
    {
        Serve(Manifest);
        var before = await ResolveAsync(Server, $"{_registry.Host}/acme/api:v1");
        Serve(Index);

        Assert.Equal((DigestOf(Manifest), DigestOf(Index)), (before.Digest, (await ResolveAsync(Server, $"{_registry.Host}/acme/api:v1")).Digest));
    }

    [Theory]
    [InlineData("nowhere.example.com/api@DIGEST", "nowhere.example.com/api@DIGEST")]
    [InlineData("api:v1@DIGEST", "docker.io/library/api:v1@DIGEST")]
    [InlineData("DIGEST", "DIGEST")]
    public async Task Digest_is_answered_as_it_is_and_nothing_is_asked(string image, string whole)
    {
        var digest = DigestOf("x");

        var answer = await ResolveAsync(Server, image.Replace("DIGEST", digest, StringComparison.Ordinal));

        Assert.Equal((whole.Replace("DIGEST", digest, StringComparison.Ordinal), digest, "", false), (answer.ImageDigest, answer.Digest, answer.MediaType, answer.IsIndex));
        Assert.Empty(_registry.Calls);
    }

    [Theory, MemberData(nameof(Unusable))]
    public async Task Unusable_request_names_its_field(string name, string image, string cluster, string project, string message)
    {
        var status = await RefusalAsync(Server, image.Replace("HOST", _registry.Host, StringComparison.Ordinal), cluster, project);

        Assert.True(status.StatusCode is StatusCode.InvalidArgument, name);
        Assert.StartsWith(message.Replace("HOST", _registry.Host, StringComparison.Ordinal), status.Detail, StringComparison.Ordinal);
        Assert.Empty(_registry.Calls);
    }

    [Fact]
    public async Task Host_that_is_not_listed_is_not_asked()
    {
        await using var other = new HostileRegistry();

        var status = await RefusalAsync(Server, $"{other.Host}/acme/api:v1");

        Assert.Equal(StatusCode.FailedPrecondition, status.StatusCode);
        Assert.Contains("`registries` in options.yaml", status.Detail, StringComparison.Ordinal);
        Assert.Empty(other.Calls);
    }

    [Fact]
    public async Task Project_without_documents_has_no_registries() =>
        Assert.Equal(StatusCode.FailedPrecondition, (await RefusalAsync(Server, $"{_registry.Host}/acme/api:v1", "dc2.other", "unheard")).StatusCode);

    [Theory, MemberData(nameof(Failing))]
    public async Task Failure_has_its_status(string name, StatusCode code, string text)
    {
        await using var elsewhere = new HostileRegistry();
        _registry.With(_ => name switch
        {
            "not there" => null,
            "unknown repository" => HostileAnswer.Error(404, "NAME_UNKNOWN"),
            "401" => HostileAnswer.Challenge("Basic realm=\"x\""),
            "403" => HostileAnswer.Error(403, "DENIED"),
            "redirect" => HostileAnswer.Redirect(elsewhere.Url + "/v2/acme/api/manifests/v1"),
            "418" => HostileAnswer.Of(418),
            "429" => HostileAnswer.Of(429, "", "retry-after: 60"),
            "500" => HostileAnswer.Of(500),
            "hangup" => HostileAnswer.Of(HostileBody.Hangup),
            "cut off" => HostileAnswer.Of(HostileBody.Truncated, Manifest),
            "another digest" => HostileAnswer.Of(200, Manifest, $"docker-content-digest: {DigestOf("other")}"),
            "no manifest" => HostileAnswer.Of(200, "{}"),
            "manifest and index in one" => HostileAnswer.Of(200, Manifest[..^1] + ", \"manifests\": []}"),
            _ => HostileAnswer.Of(200, Manifest.PadRight(Limits.ManifestBytes + 1)),
        });

        var status = await RefusalAsync(Server, $"{_registry.Host}/acme/api:v1");

        Assert.True((code, true) == (status.StatusCode, status.Detail.Contains(text, StringComparison.Ordinal)), $"{name}: {status}");
        Assert.Empty(elsewhere.Calls);
    }

    [Fact]
    public async Task Slow_registry_ends_with_the_deadline_and_not_before()
    {
        // The service is ahead of the caller, so that a second of its time is ten minutes of the caller's, whatever the machine does meanwhile.
        var deadline = TimeProvider.System.GetUtcNow().AddMinutes(10);
        var clock = new FakeTimeProvider(deadline.AddSeconds(-1));
        await using var server = await StartAsync(Documents(), clock);
        _registry.Answer = _ => HostileAnswer.Of(HostileBody.Silent);

        // Less than the time for an attempt: it is the caller's time that ends.
        var waiting = RefusalAsync(server, $"{_registry.Host}/acme/api:v1", deadline: deadline.UtcDateTime);
        await Eventually.Holds("the registry was asked", () => !_registry.Calls.IsEmpty);
        Assert.False(waiting.IsCompleted);
        await Eventually.Holds("it is answered", () =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            return waiting.IsCompleted;
        });

        var status = await waiting;
        Assert.Equal((StatusCode.DeadlineExceeded, true), (status.StatusCode, status.Detail.StartsWith("REGISTRY:DEADLINE: ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Many_who_ask_the_same_at_once_ask_the_registry_once()
    {
        var gate = new TaskCompletionSource();
        Serve(Manifest);
        _registry.Gate = gate.Task;
        var first = ResolveAsync(Server, $"{_registry.Host}/acme/api:v1");
        await Eventually.Holds("the registry was asked", () => !_registry.Calls.IsEmpty);
        var others = Enumerable.Range(0, 20).Select(_ => ResolveAsync(Server, $"{_registry.Host}/acme/api:v1")).ToArray();
        var second = ResolveAsync(Server, $"{_registry.Host}/acme/api:v2");
        await Eventually.Holds("another tag is another question", () => _registry.Calls.Count == 2);
        gate.SetResult();

        Assert.All(await Task.WhenAll([first, second, .. others]), answer => Assert.Equal(DigestOf(Manifest), answer.Digest));
        // Those that came after the first was answered ask for themselves.
        Assert.InRange(_registry.Calls.Count, 2, 22);
    }

    [Fact]
    public async Task Host_itself_is_asked_before_a_mirror_that_may_be_behind()
    {
        await using var mirror = new HostileRegistry().With(_ => HostileAnswer.Of(200, Index));
        Serve(Manifest);
        await using var server = await StartAsync(Documents($"[\"{mirror.Host}\"]"));

        Assert.Equal(DigestOf(Manifest), (await ResolveAsync(server, $"{_registry.Host}/acme/api:v1")).Digest);
        Assert.Empty(mirror.Calls);
    }

    [Fact, Trait("attack", "33")]
    public async Task Caller_asks_about_its_clusters_only()
    {
        Serve(Manifest);
        await using var access = await AccessServer.StartAsync("evaluators:\n- members: [\"group:edge\"]\n  clusters: [dc1.edge]\n", documents: Documents(), store: [], configure: Patiently);
        var image = $"{_registry.Host}/acme/api:v1";

        Assert.Equal(DigestOf(Manifest), (await ResolveAsync(access.Server, image, members: "group:edge")).Digest);
        Assert.Equal(StatusCode.PermissionDenied, (await RefusalAsync(access.Server, image, "dc2.other", members: "group:edge")).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await RefusalAsync(access.Server, image, members: "group:nobody")).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await RefusalAsync(access.Server, image.Split(':')[0] + "@" + DigestOf("x"), members: "group:nobody")).StatusCode);
        Assert.Single(_registry.Calls);
    }

    private static string DigestOf(string text) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static async Task<ResolveImageResponse> ResolveAsync(TestServer server, string image, string cluster = Cluster, string project = "", DateTime? deadline = null, string? members = null) =>
        await new ClusterService.ClusterServiceClient(server.Channel).ResolveImageAsync(
            new ResolveImageRequest { Image = image, Cluster = cluster, Project = project },
            members is null ? null : new Metadata { { AccessServer.Header, members } },
            deadline ?? TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(2),
            Cancellation);

    private static async Task<Status> RefusalAsync(TestServer server, string image, string cluster = Cluster, string project = "", DateTime? deadline = null, string? members = null) =>
        (await Assert.ThrowsAsync<RpcException>(() => ResolveAsync(server, image, cluster, project, deadline, members))).Status;

    /// <summary>A busy machine must not look like a slow registry: only the caller's time ends.</summary>
    private static Task<TestServer> StartAsync(DocumentsFolder documents, TimeProvider? time = null) => TestServer.StartAsync(documents, time, configure: Patiently);

    private static void Patiently(IServiceCollection services) => services
        .AddSingleton(new RemoteLifetimes { Fetch = Patient })
        .AddSingleton(provider => new RegistryAccess(new RegistrySettings { Attempt = Patient }, provider.GetRequiredService<RegistryMetrics>(), provider.GetRequiredService<TimeProvider>()));

    private DocumentsFolder Documents(string mirrors = "[]")
    {
        var folder = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        folder.Write("options.yaml", $"registries:\n- {{host: \"{_registry.Host}\", insecure: true, mirrors: {mirrors}}}\n");
        folder.Write("clusters.yaml", $"clusters:\n  {Cluster}: {{project: acme, platform: ON_PREM}}\n");
        return folder;
    }

    private void Serve(string document) => _registry.Answer = _ => HostileAnswer.Of(200, document, $"content-type: {ManifestType}");
}
