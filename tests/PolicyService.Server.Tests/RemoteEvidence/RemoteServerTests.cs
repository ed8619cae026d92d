using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Server.Tests.RemoteEvidence;

/// <summary>The service over a Container Analysis elsewhere: what callers, records and metrics are told.</summary>
public sealed class RemoteServerTests : IAsyncDisposable
{
    private readonly ContainerAnalysisStandIn _standIn = new();
    private readonly Signer _signer = new();

    public async ValueTask DisposeAsync()
    {
        await _standIn.DisposeAsync();
        _signer.Dispose();
    }

    [Fact]
    public async Task Attestation_elsewhere_admits_and_its_archive_does_while_the_source_is_down_marked_and_recorded()
    {
        await using var server = await StartAsync(hasStore: true);
        Attest();
        var fresh = await AskAsync(server);
        Assert.Equal((Verdict.Allow, false, ""), (fresh.Verdict, fresh.Stale, fresh.Reasons[0].Detail));
        await Eventually.Holds("it is archived", () => server.Services.GetRequiredService<EvidenceArchive>().IsIdle);

        _standIn.Fault = ContainerAnalysisFault.Hangup;
        var archived = await AskAsync(server);

        Assert.Equal((Verdict.Allow, true, ReasonCode.Attested, "ARCHIVED"), (archived.Verdict, archived.Stale, archived.Reasons[0].Code, archived.Reasons[0].Detail));
        Assert.True(archived.EvidenceTime.ToDateTimeOffset() < archived.EvaluateTime.ToDateTimeOffset());
        // An admission in doubt is on the disk before its answer.
        Assert.True(server.Records.Has(archived.DecisionId));
        Assert.True((await server.Records.Of(archived.DecisionId)).GetProperty("stale").GetBoolean());
        var metrics = await server.MetricsAsync();
        Assert.Equal(1, metrics.Sum("policyservice_evidence_archive_total", "outcome=\"used\""));
        Assert.Equal(1, metrics.Sum("policyservice_container_analysis_lists_total", "outcome=\"CONNECTION\""));
        Assert.Equal(1, metrics.Sum("policyservice_container_analysis_lists_total", "outcome=\"OK\""));
    }

    [Fact]
    public async Task Directory_without_a_store_has_no_archive()
    {
        await using var server = await StartAsync(hasStore: false);
        Attest();
        Assert.Equal(Verdict.Allow, (await AskAsync(server)).Verdict);

        _standIn.Fault = ContainerAnalysisFault.Hangup;
        var answer = await AskAsync(server);
        Assert.Equal((Verdict.Deny, ReasonCode.EvidenceUnavailable, "CONTAINER_ANALYSIS:CONNECTION"), (answer.Verdict, answer.Reasons[0].Code, answer.Reasons[0].Detail));
        Assert.Equal(Conformance.Error, answer.Conformance);
    }

    [Fact]
    public async Task Check_asks_the_projects_that_both_the_check_and_the_options_name()
    {
        await using var server = await StartAsync(hasStore: true, isCheck: true);
        Assert.Equal(ReasonCode.CheckFailed, (await AskAsync(server)).Reasons[0].Code);
        var call = Assert.Single(_standIn.Calls);
        Assert.Equal("/v1/projects/acme/occurrences", call.Path);
        Assert.Equal($"kind=\"ATTESTATION\" AND has_suffix(resourceUrl, \"{Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..]}\")", call.Query["filter"]);

        // What another project has does not count, whatever the list says.
        var foreign = Occurrence();
        foreign["name"] = "projects/other/occurrences/1";
        _standIn.Body = _ => $$"""{"occurrences": [{{foreign.ToJsonString()}}]}""";
        Assert.Equal(ReasonCode.CheckFailed, (await AskAsync(server)).Reasons[0].Code);

        _standIn.Body = null;
        Attest();
        Assert.Equal((Verdict.Allow, false), (await AskAsync(server)) is var fresh ? (fresh.Verdict, fresh.Stale) : default);
        await Eventually.Holds("it is archived", () => server.Services.GetRequiredService<EvidenceArchive>().IsIdle);
        _standIn.Fault = ContainerAnalysisFault.Hangup;
        var archived = await AskAsync(server);
        Assert.Equal((Verdict.Allow, true, "ARCHIVED"), (archived.Verdict, archived.Stale, archived.Reasons[^1].Detail));
    }

    [Fact, Trait("attack", "83")]
    public async Task Check_whose_source_fails_is_an_error_and_never_failed()
    {
        await using var server = await StartAsync(hasStore: false, isCheck: true);
        _standIn.Fault = ContainerAnalysisFault.Forbidden;

        var answer = await AskAsync(server);

        Assert.Equal((Verdict.Deny, Conformance.Error), (answer.Verdict, answer.Conformance));
        Assert.Equal((ReasonCode.EvidenceUnavailable, "CONTAINER_ANALYSIS:PERMISSION_DENIED"), (answer.Reasons[0].Code, answer.Reasons[0].Detail));
        Assert.Contains("roles/containeranalysis", answer.Reasons[0].Remedy, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "98")]
    public async Task Labels_of_metrics_are_a_closed_set_whatever_is_asked()
    {
        await using var server = await StartAsync(hasStore: true);
        var before = await SeriesAsync();
        for (var number = 0; number < 50; number++)
        {
            await server.AskAsync(Ask.For($"gcr.io/acme/api@sha256:{number:x64}"));
        }

        Assert.Equal(before, await SeriesAsync());

        async Task<string[]> SeriesAsync() => [.. (await server.MetricsAsync()).Series
            .Where(line => line.Contains("remote_evidence", StringComparison.Ordinal) || line.Contains("container_analysis", StringComparison.Ordinal) || line.Contains("evidence_archive", StringComparison.Ordinal))
            .Select(line => line[..line.LastIndexOf(' ')]).Order(StringComparer.Ordinal)];
    }

    private static async Task<EvaluateResponse> AskAsync(TestServer server) => await server.Client.EvaluateAsync(
        Ask.For(Ask.Attested), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5), cancellationToken: TestContext.Current.CancellationToken);

    private JsonObject Occurrence()
    {
        var occurrence = JsonNode.Parse(_signer.Occurrence(Ask.Attested))!.AsObject();
        occurrence["createTime"] = "2026-01-01T00:00:00.123456789Z";
        return occurrence;
    }

    private void Attest() => _standIn.Add(Occurrence());

    /// <summary>Its answers are old as soon as they are there, so that a test need not wait for five minutes.</summary>
    private async Task<TestServer> StartAsync(bool hasStore, bool isCheck = false)
    {
        _standIn.AddNote("projects/acme/notes/build");
        var documents = new DocumentsFolder();
        documents.Write("policy.yaml", isCheck ? DocumentsFolder.FixedPolicy("ALWAYS_ALLOW") : DocumentsFolder.Policy(_signer.Attestor));
        documents.Write("attestors/build.yaml", _signer.Document());
        documents.Write("options.yaml", $"containerAnalysis: {{endpoint: '{_standIn.Url}', projects: [acme]}}\n");
        if (isCheck)
        {
            var key = JsonNode.Parse(_signer.Document())!["userOwnedGrafeasNote"]!["publicKeys"]![0]!["pkixPublicKey"]!.ToJsonString();
            documents.Write("clusters.yaml", "default: {project: acme, platform: ON_PREM, platformPolicies: [{name: projects/acme/platforms/gke/policies/base, mode: ENFORCE}]}");
            documents.Write("platform-policies/base.yaml", $$$"""
                {"name": "projects/acme/platforms/gke/policies/base", "gkePolicy": {"checkSets": [{"displayName": "all", "checks": [{"simpleSigningAttestationCheck": {
                  "containerAnalysisAttestationProjects": ["projects/acme", "projects/other"],
                  "attestationAuthenticators": [{"displayName": "build", "pkixPublicKeySet": {"pkixPublicKeys": [{{{key}}}]}}]}}]}]}}
                """);
        }

        string[] store = hasStore ? ["--Store:Path", documents.Beside("store.db")] : [];
        return await TestServer.StartAsync(
            documents,
            configure: services => services.AddSingleton(new RemoteLifetimes
            {
                Positive = TimeSpan.Zero,
                Negative = TimeSpan.Zero,
                Failure = TimeSpan.Zero,
                Again = TimeSpan.FromHours(1),
                Attempt = TimeSpan.FromMinutes(2),
                Fetch = TimeSpan.FromMinutes(5),
            }),
            more: store);
    }
}
