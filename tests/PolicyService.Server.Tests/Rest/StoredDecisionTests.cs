using System.Net;
using System.Text.Json;
using PolicyService.Api.V1;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Rest;

/// <summary>What was written over REST decides, within a second, and nothing that does not verify.</summary>
public sealed class StoredDecisionTests(RestServer rest) : IClassFixture<RestServer>
{
    private readonly string _project = RestServer.NewProject();

    [Fact]
    public async Task Attestation_admits_its_digest_and_no_other_until_it_is_deleted()
    {
        using var signer = new Signer("build", _project);
        Assert.Equal((Verdict.Deny, ReasonCode.NoPolicy), await AskAsync(Ask.Attested));
        await rest.AttestorAsync(signer);
        await rest.DoAsync("PUT", $"/v1/projects/{_project}/policy", $$"""
            {"defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["{{signer.Attestor}}"]} }
            """);
        await BecomesAsync(Ask.Attested, Verdict.Deny, ReasonCode.DeniedByAttestor);

        var stored = await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", signer.Occurrence(Ask.Attested));
        await BecomesAsync(Ask.Attested, Verdict.Allow, ReasonCode.Attested);
        Assert.Equal((Verdict.Deny, ReasonCode.DeniedByAttestor), await AskAsync(Ask.Unattested));

        await rest.DoAsync("DELETE", $"/v1/{stored["name"]}");
        await BecomesAsync(Ask.Attested, Verdict.Deny, ReasonCode.DeniedByAttestor);
    }

    [Fact]
    public async Task Unverified_attestations_are_stored_and_never_trusted()
    {
        using var signer = new Signer("build", _project);
        using var stranger = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        await rest.DoAsync("PUT", $"/v1/projects/{_project}/policy", $$"""
            {"defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["{{signer.Attestor}}"]} }
            """);
        var forged = stranger.Occurrence(Ask.Attested);
        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", forged);
        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", forged.Replace(stranger.KeyId, signer.KeyId, StringComparison.Ordinal));
        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", signer.Occurrence(Ask.Unattested));

        // Written after the forged ones: where it counts, they would.
        await BecomesAsync(Ask.Unattested, Verdict.Allow, ReasonCode.Attested);
        Assert.Equal((Verdict.Deny, ReasonCode.DeniedByAttestor), await AskAsync(Ask.Attested));
    }

    [Fact]
    public async Task Check_of_a_bound_platform_policy_decides_by_the_projects_it_names()
    {
        const string Cluster = "dc9.bound";
        using var signer = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        var key = JsonDocument.Parse(signer.Document()).RootElement.GetProperty("userOwnedGrafeasNote").GetProperty("publicKeys")[0].GetProperty("pkixPublicKey").GetRawText();
        await rest.DoAsync("PUT", $"/v1/projects/{_project}/policy", """{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}""");
        await rest.DoAsync("POST", $"/v1/projects/{_project}/platforms/gke/policies?policyId=x", $$$"""
            {"gkePolicy": {"checkSets": [{"checks": [{"simpleSigningAttestationCheck": {"containerAnalysisAttestationProjects": ["projects/{{{_project}}}"],
              "attestationAuthenticators": [{"pkixPublicKeySet": {"pkixPublicKeys": [{{{key}}}]}}]}}]}]}}
            """);
        await rest.Store.PutAsync(
            DocumentKey.Of(StoredKind.Clusters, "clusters"),
            $$$"""
            {"clusters": {"{{{Cluster}}}": {"project": "{{{_project}}}", "platform": "GKE", "platformPolicies": [{"name": "projects/{{{_project}}}/platforms/gke/policies/x", "mode": "ENFORCE"}] } } }
            """,
            "",
            "test",
            TestContext.Current.CancellationToken);
        await BecomesAsync(Ask.Attested, Verdict.Deny, ReasonCode.CheckFailed, Cluster);

        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", signer.Occurrence(Ask.Attested));

        await BecomesAsync(Ask.Attested, Verdict.Allow, ReasonCode.AlwaysAllow, Cluster);
        Assert.Equal((Verdict.Deny, ReasonCode.CheckFailed), await AskAsync(Ask.Unattested, Cluster));
    }

    [Fact]
    public async Task Project_of_the_directory_is_neither_shown_nor_changed()
    {
        using var signer = new Signer("b", _project);
        await rest.AttestorAsync(signer);
        await rest.DoAsync("POST", $"/v1/projects/{_project}/platforms/gke/policies?policyId=y", """{"gkePolicy": {}}""");
        var generation = await rest.Store.GenerationAsync(TestContext.Current.CancellationToken);
        rest.Store.IsElsewhere = project => project == _project;
        foreach (var (method, path, body) in new (string, string, string?)[]
        {
            ("GET", "policy", null), ("GET", "attestors", null), ("GET", "attestors/a", null), ("DELETE", "attestors/a", null), ("GET", "platforms/gke/policies", null), ("GET", "platforms/gke/policies/x", null),
            ("GET", "policy:getIamPolicy", null), ("POST", "policy:setIamPolicy", """{"policy": {}}"""), ("POST", "policy:testIamPermissions", """{"permissions": ["a"]}"""),
            ("GET", "attestors/b:getIamPolicy", null), ("POST", "attestors/b:setIamPolicy", """{"policy": {}}"""), ("POST", "attestors/b:testIamPermissions", """{"permissions": ["a"]}"""),
            ("GET", "continuousValidationConfig", null), ("PUT", "continuousValidationConfig", """{"enforcementPolicyConfig": {"enabled": true}}"""),
            ("POST", "platforms/gke/policies/y:evaluate", """{"resource": {"kind": "Pod", "spec": {"containers": [{"image": "a.example/b"}]}}}"""),
            ("POST", "attestors/b:validateAttestationOccurrence", $$"""{"attestation": {"serializedPayload": "eA=="}, "occurrenceNote": "projects/{{_project}}/notes/b", "occurrenceResourceUri": "https://{{Ask.Attested}}"}"""),
        })
        {
            var reply = await rest.SendAsync(method, $"/v1/projects/{_project}/{path}", body);
            Assert.True((HttpStatusCode.BadRequest, "FAILED_PRECONDITION") == (reply.Code, reply.Code is HttpStatusCode.OK ? "" : reply.Status), $"{method} {path}: {reply.Text}");
        }

        var written = await rest.SendAsync(
            "PUT", $"/v1/projects/{_project}/policy", """{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}""");
        Assert.Equal(HttpStatusCode.BadRequest, written.Code);
        rest.Store.IsElsewhere = _ => false;
        Assert.Equal(generation, await rest.Store.GenerationAsync(TestContext.Current.CancellationToken));
        Assert.IsType<StoreOutcome.NotFound>(await rest.Store.GetAsync(DocumentKey.Of(StoredKind.Policy, $"projects/{_project}/policy"), TestContext.Current.CancellationToken));
    }

    private async Task<(Verdict, ReasonCode)> AskAsync(string image, string cluster = Ask.Enforced)
    {
        var request = Ask.For(image, cluster);
        request.Project = _project;
        var answer = await rest.Server.AskAsync(request);
        return (answer.Verdict, answer.Reasons[0].Code);
    }

    private Task<TimeSpan> BecomesAsync(string image, Verdict verdict, ReasonCode code, string cluster = Ask.Enforced) =>
        Eventually.Holds($"{verdict} {code}", async () => await AskAsync(image, cluster) == (verdict, code));
}
