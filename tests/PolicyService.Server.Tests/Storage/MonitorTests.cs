using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Core.Images;
using PolicyService.Evidence.Grafeas;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>A platform policy that monitors takes nothing away from what decides.</summary>
public sealed class MonitorTests : IDisposable
{
    private readonly Signer _signer = new();

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines)), Trait("attack", "96")]
    public async Task Checks_of_more_projects_than_one_statement_takes_are_judged(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await FillAsync(test, "ENFORCE", 51);
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);

        var answer = await server.AskAsync(Ask.For(Ask.Attested));

        Assert.Equal((Verdict.Deny, Conformance.NonConformant, ReasonCode.CheckFailed), (answer.Verdict, answer.Conformance, answer.Reasons[0].Code));
    }

    [Theory, InlineData("MONITOR", Verdict.Allow), InlineData("ENFORCE", Verdict.Deny)]
    public async Task Evidence_that_cannot_be_had_for_a_policy_that_monitors_changes_no_verdict(string mode, Verdict verdict)
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await FillAsync(test, mode, 1);
        await using var server = await TestServer.StartAsync(
            new DocumentsFolder(), configure: services => services.AddSingleton<IOccurrenceSource>(provider => new Failing(provider.GetRequiredService<DocumentStore>())), more: test.Arguments);

        Assert.Equal(verdict, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }

    public void Dispose() => _signer.Dispose();

    /// <summary>An attested image, and a platform policy whose checks name ten projects each that have nothing.</summary>
    private async Task FillAsync(TestStore test, string mode, int checks)
    {
        const string Name = "projects/acme/platforms/gke/policies/x";
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Note("build"), "{}", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Attestor("build"), _signer.Document(), "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Requiring(_signer.Attestor), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("acme", _signer.Occurrence(Ask.Attested), Cancellation));
        var key = JsonDocument.Parse(_signer.Document()).RootElement.GetProperty("userOwnedGrafeasNote").GetProperty("publicKeys")[0].GetProperty("pkixPublicKey").GetRawText();
        var all = new JsonArray([.. Enumerable.Range(0, checks).Select(check => JsonNode.Parse($$$"""
            {"simpleSigningAttestationCheck": {"containerAnalysisAttestationProjects": [{{{string.Join(", ", Enumerable.Range(0, 10).Select(number => $"\"projects/check-{check}-{number}\""))}}}],
             "attestationAuthenticators": [{"pkixPublicKeySet": {"pkixPublicKeys": [{{{key}}}]}}]}}
            """))]);
        var policy = new JsonObject { ["gkePolicy"] = new JsonObject { ["checkSets"] = new JsonArray(new JsonObject { ["checks"] = all }) } };
        await DocumentTests.WrittenAsync(test.Store.PutAsync(DocumentKey.Of(StoredKind.PlatformPolicy, Name), policy.ToJsonString(), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(
            DocumentKey.Of(StoredKind.Clusters, "clusters"),
            $$$"""{"clusters": {"{{{Ask.Enforced}}}": {"project": "acme", "platform": "GKE", "platformPolicies": [{"name": "{{{Name}}}", "mode": "{{{mode}}}"}] } } }""",
            "",
            "x",
            Cancellation));
    }

    /// <summary>Fails where it is asked about projects.</summary>
    private sealed class Failing(IOccurrenceSource inner) : IOccurrenceSource
    {
        public bool HasAnswered(TimeSpan within) => true;

        public Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> ReadAsync(
            Digest digest, IReadOnlyCollection<OccurrenceParent> parents, string caller, CancellationToken cancellation) =>
            parents.Any(parent => parent.Project.Length > 0) ? throw new InvalidOperationException("a bug") : inner.ReadAsync(digest, parents, caller, cancellation);
    }
}
