using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Server.Tests.RemoteEvidence;

/// <summary>The service over a registry: what it asks, how often, and what callers, records and metrics are told.</summary>
public sealed class RegistryServerTests : IAsyncDisposable
{
    private const string Repository = "acme/api";
    private static readonly string Image = DigestOf("image");

    private readonly HostileRegistry _registry = new();
    private readonly ConcurrentDictionary<string, (byte[] Body, string Type)> _content = new();
    private readonly Signer _signer = new();
    private readonly DocumentsFolder _documents = new();

    public RegistryServerTests() => _registry.Answer = Serve;

    private string Reference => $"{_registry.Host}/{Repository}@{Image}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        _signer.Dispose();
    }

    [Fact]
    public async Task Signature_beside_the_image_admits_and_its_archive_does_while_the_registry_is_down_marked_and_recorded()
    {
        await using var server = await StartAsync(hasStore: true);
        Sign(Image, Image);
        var fresh = await AskAsync(server);
        Assert.Equal((Verdict.Allow, false, ReasonCode.Attested, _signer.KeyId), (fresh.Verdict, fresh.Stale, fresh.Reasons[0].Code, fresh.Reasons[0].KeyId));
        await Eventually.Holds("it is archived", () => server.Services.GetRequiredService<EvidenceArchive>().IsIdle);

        _registry.Answer = _ => HostileAnswer.Of(503);
        var archived = await AskAsync(server);

        Assert.Equal((Verdict.Allow, true, "ARCHIVED"), (archived.Verdict, archived.Stale, archived.Reasons[0].Detail));
        Assert.True(server.Records.Has(archived.DecisionId));
        var metrics = await server.MetricsAsync();
        Assert.Equal(1, metrics.Sum("policyservice_registry_lists_total", "outcome=\"OK\""));
        Assert.Equal(1, metrics.Sum("policyservice_registry_lists_total", "outcome=\"SERVER_ERROR\""));
        // The manifest of signatures and the payload.
        Assert.Equal(2, metrics.Sum("policyservice_registry_questions_total", "outcome=\"OK\""));
    }

    [Fact, Trait("attack", "86")]
    public async Task Eight_containers_of_one_image_cost_one_look()
    {
        await using var server = await StartAsync();
        Sign(Image, Image);
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Repeat(Ask.For(Reference), 8));

        var answer = await server.Client.EvaluateBatchAsync(batch, deadline: Late, cancellationToken: Cancellation);

        Assert.All(answer.Results, result => Assert.Equal(Verdict.Allow, result.Response.Verdict));
        // The tag of signatures, the list of referrers with its fallback tag, and the payload.
        Assert.Equal(
            [$"/v2/{Repository}/blobs/{DigestOf(Payload(Image))}", $"/v2/{Repository}/manifests/{Image.Replace(':', '-')}", $"/v2/{Repository}/manifests/{Image.Replace(':', '-')}.sig", $"/v2/{Repository}/referrers/{Image}"],
            _registry.Calls.Select(call => call.Path).Order(StringComparer.Ordinal));
    }

    [Fact, Trait("attack", "84"), Trait("attack", "96")]
    public async Task Five_hundred_requests_for_one_cold_digest_cost_one_look()
    {
        await using var server = await StartAsync();
        Sign(Image, Image);
        var gate = new TaskCompletionSource();
        _registry.Gate = gate.Task;
        var asking = Enumerable.Range(0, 500).Select(_ => server.Client.EvaluateAsync(Ask.For(Reference), deadline: Late, cancellationToken: Cancellation).ResponseAsync).ToArray();
        await Eventually.Holds("the registry is asked", () => _registry.UnderWay == 2);
        gate.SetResult();

        Assert.All(await Task.WhenAll(asking), answer => Assert.Equal(Verdict.Allow, answer.Verdict));
        Assert.Equal(4, _registry.Calls.Count);
    }

    [Fact, Trait("attack", "4")]
    public async Task Verdict_is_about_the_digest_that_was_resolved_whatever_the_registry_shows_next()
    {
        await using var server = await StartAsync();
        var manifests = new[] { Manifest("first"), Manifest("second") };
        foreach (var manifest in manifests)
        {
            _content[$"/v2/{Repository}/manifests/v1"] = (Encoding.UTF8.GetBytes(manifest), CosignWriter.ManifestType);
            var resolved = await new ClusterService.ClusterServiceClient(server.Channel).ResolveImageAsync(
                new ResolveImageRequest { Image = $"{_registry.Host}/{Repository}:v1", Cluster = Ask.Enforced }, deadline: Late, cancellationToken: Cancellation);
            Assert.Equal(DigestOf(manifest), resolved.Digest);
            Sign(DigestOf(manifests[0]), DigestOf(manifests[0]));

            var answer = await server.Client.EvaluateAsync(Ask.For(resolved.ImageDigest), deadline: Late, cancellationToken: Cancellation);
            Assert.Equal((manifest == manifests[0] ? Verdict.Allow : Verdict.Deny, resolved.ImageDigest), (answer.Verdict, answer.ImageDigest));
        }
    }

    [Fact, Trait("attack", "5")]
    public async Task Signature_of_another_image_beside_this_one_does_not_count()
    {
        await using var server = await StartAsync();
        Sign(beside: Image, about: DigestOf("another"));

        var answer = await AskAsync(server);

        Assert.Equal((Verdict.Deny, "DIGEST_MISMATCH"), (answer.Verdict, answer.Reasons[0].Detail));
    }

    [Theory, Trait("attack", "14")]
    [InlineData("evil.HOST")]
    [InlineData("HOST.evil.example")]
    [InlineData("127.0.0.1")]
    [InlineData("LOCALHOST")]
    public async Task Host_that_only_looks_like_the_listed_one_is_not_asked(string host)
    {
        await using var server = await StartAsync();
        Sign(Image, Image);
        var name = host.Replace("HOST.", $"{_registry.Host.Replace(":", ".", StringComparison.Ordinal)}.", StringComparison.Ordinal).Replace(".HOST", $".{_registry.Host}", StringComparison.Ordinal);

        var answer = await server.Client.EvaluateAsync(Ask.For($"{name}/{Repository}@{Image}"), deadline: Late, cancellationToken: Cancellation);

        Assert.Equal((Verdict.Deny, "NO_ATTESTATION"), (answer.Verdict, answer.Reasons[0].Detail));
        Assert.Empty(_registry.Calls);
    }

    [Fact, Trait("attack", "77")]
    public async Task Registry_that_never_answers_costs_its_own_image_the_deadline_and_others_nothing()
    {
        await using var server = await StartAsync();
        _registry.Gate = new TaskCompletionSource().Task;
        var slow = server.Client.EvaluateAsync(Ask.For(Reference), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10), cancellationToken: Cancellation).ResponseAsync;
        await Eventually.Holds("the registry is asked", () => _registry.UnderWay > 0);

        var other = await server.AskAsync(Ask.For(Ask.Allowlisted));
        Assert.Equal(Verdict.Allow, other.Verdict);
        Assert.False(slow.IsCompleted);
        var answer = await slow;
        Assert.Equal((Verdict.Deny, Conformance.Error, ReasonCode.Deadline, "REGISTRY"), (answer.Verdict, answer.Conformance, answer.Reasons[0].Code, answer.Reasons[0].Detail));
    }

    [Fact, Trait("attack", "93")]
    public async Task Registry_taken_from_the_options_is_asked_no_more_and_what_it_said_counts_no_more()
    {
        await using var server = await StartAsync();
        Sign(Image, Image);
        Assert.Equal(Verdict.Allow, (await AskAsync(server)).Verdict);
        _documents.Write("options.yaml", "evidenceSources: [GRAFEAS, REGISTRY]\n");

        await Eventually.Holds("it counts no more", async () => (await AskAsync(server)).Reasons[0].Detail == "NO_ATTESTATION");
        Assert.Equal(4, _registry.Calls.Count);
    }

    [Fact, Trait("attack", "92")]
    public async Task Failure_is_kept_for_seconds_as_a_failure_and_never_becomes_a_denial_for_absence()
    {
        await using var server = await StartAsync();
        _registry.Answer = _ => HostileAnswer.Of(500);
        var failed = await AskAsync(server);
        Assert.Equal((Verdict.Deny, Conformance.Error, "REGISTRY:SERVER_ERROR"), (failed.Verdict, failed.Conformance, failed.Reasons[0].Detail));

        _registry.Answer = Serve;
        Sign(Image, Image);
        await Eventually.Holds("it is asked again", async () => (await AskAsync(server)).Verdict is Verdict.Allow);
    }

    private static DateTime Late => TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5);

    private static string DigestOf(string content) => DigestOf(Encoding.UTF8.GetBytes(content));

    private static string DigestOf(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    private static string Manifest(string name) => $$$"""{"schemaVersion":2,"mediaType":"{{{CosignWriter.ManifestType}}}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{{DigestOf(name)}}}","size":2},"layers":[]}""";

    private byte[] Payload(string about) => CosignWriter.Payload($"{_registry.Host}/{Repository}", about);

    private void Sign(string beside, string about)
    {
        var payload = Payload(about);
        _content[$"/v2/{Repository}/blobs/{DigestOf(payload)}"] = (payload, "application/octet-stream");
        _content[$"/v2/{Repository}/manifests/{beside.Replace(':', '-')}.sig"] = (CosignWriter.Manifest([CosignWriter.SignatureLayer(payload, _signer.Sign(payload))]), CosignWriter.ManifestType);
    }

    private HostileAnswer? Serve(HostileCall call) =>
        _content.TryGetValue(call.Path, out var content) ? new HostileAnswer(200, content.Body, $"content-type: {content.Type}") : null;

    private async Task<EvaluateResponse> AskAsync(TestServer server) => await server.Client.EvaluateAsync(Ask.For(Reference), deadline: Late, cancellationToken: Cancellation);

    /// <summary>With a store what it learned is old as soon as it is there, so that a test need not wait for five minutes.</summary>
    private async Task<TestServer> StartAsync(bool hasStore = false)
    {
        _documents.Write("policy.yaml", DocumentsFolder.Policy(_signer.Attestor));
        _documents.Write("attestors/build.yaml", _signer.Document());
        _documents.Write("options.yaml", $"registries: [{{host: '{_registry.Host}', insecure: true}}]\n");
        var lifetimes = new RemoteLifetimes { Attempt = TimeSpan.FromMinutes(2), Fetch = TimeSpan.FromMinutes(5) };
        return await TestServer.StartAsync(
            _documents,
            configure: services => services.AddSingleton(hasStore ? lifetimes with { Positive = TimeSpan.Zero, Negative = TimeSpan.Zero, Failure = TimeSpan.Zero, Again = TimeSpan.FromHours(1) } : lifetimes),
            more: hasStore ? ["--Store:Path", _documents.Beside("store.db")] : []);
    }
}
