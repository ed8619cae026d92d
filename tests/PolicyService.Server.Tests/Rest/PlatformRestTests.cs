using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Rest;

/// <summary>Platform policies, and what they find about pods.</summary>
public sealed class PlatformRestTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Deny = """{"displayName": "no", "alwaysDeny": true}""";
    private const string Unavailable = """{"displayName": "later", "vulnerabilityCheck": {"maximumFixableSeverity": "LOW", "maximumUnfixableSeverity": "LOW"}}""";

    private readonly string _project = RestServer.NewProject();

    private string Policies => $"/v1/projects/{_project}/platforms/gke/policies";

    [Fact]
    public async Task Policy_is_written_listed_changed_under_its_etag_and_deleted()
    {
        var made = await CreateAsync("""{"gkePolicy": {"checkSets": [{"displayName": "s"}]}}""");
        Assert.Equal($"projects/{_project}/platforms/gke/policies/x", made["name"]);
        Assert.Equal(made.Text, (await rest.DoAsync("GET", $"{Policies}/x")).Text);
        Assert.Equal(1, (await rest.DoAsync("GET", Policies)).Body.GetProperty("platformPolicies").GetArrayLength());
        Assert.Equal("ALREADY_EXISTS", (await rest.SendAsync("POST", $"{Policies}?policyId=x", """{"gkePolicy": {}}""")).Status);

        await rest.DoAsync("PUT", $"{Policies}/x", made.Text);
        Assert.Equal("ABORTED", (await rest.SendAsync("PUT", $"{Policies}/x", made.Text)).Status);
        Assert.Equal("ABORTED", (await rest.SendAsync("DELETE", $"{Policies}/x?etag={made["etag"]}")).Status);
        await rest.DoAsync("PUT", $"{Policies}/x", """{"gkePolicy": {}}""");
        Assert.Equal("{}", (await rest.DoAsync("DELETE", $"{Policies}/x")).Text);
        Assert.Equal("NOT_FOUND", (await rest.GetAsync($"{Policies}/x")).Status);
        Assert.Equal("NOT_FOUND", (await rest.SendAsync("PUT", $"{Policies}/x", """{"gkePolicy": {}}""")).Status);
        Assert.Equal("NOT_FOUND", (await EvaluateAsync(Pod("a.example/b"))).Status);
    }

    [Fact]
    public async Task Body_of_another_platform_is_refused()
    {
        var reply = await rest.SendAsync("POST", $"/v1/projects/{_project}/platforms/cloudRun/policies?policyId=x", """{"gkePolicy": {}}""");

        Assert.Equal((HttpStatusCode.BadRequest, "INVALID_ARGUMENT"), (reply.Code, reply.Status));
        Assert.Equal(HttpStatusCode.BadRequest, (await rest.SendAsync("POST", $"/v1/projects/{_project}/platforms/other/policies?policyId=x", """{"gkePolicy": {}}""")).Code);
    }

    [Theory, Trait("attack", "39")]
    [InlineData("""[{"checks": []}, {"scope": {"kubernetesNamespace": "n"}, "checks": []}]""")]
    [InlineData("""[{"scope": {"kubernetesNamespace": "n"}, "checks": []}]""")]
    [InlineData("""[{"scope": {"kubernetesNamespace": "n"}}, {"scope": {"kubernetesServiceAccount": "n:s"}}, {}]""")]
    public async Task Check_sets_out_of_order_are_refused(string sets)
    {
        var reply = await rest.SendAsync("POST", $"{Policies}?policyId=x", $$$"""{"gkePolicy": {"checkSets": {{{sets}}} }}""");

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Equal(["gkePolicy.checkSets"], reply.Fields.Distinct());
    }

    [Fact, Trait("attack", "40")]
    public async Task Only_the_most_specific_check_set_is_consulted()
    {
        await CreateAsync($$$"""
            {"gkePolicy": {"checkSets": [
              {"displayName": "account", "scope": {"kubernetesServiceAccount": "n:s"}, "checks": []},
              {"displayName": "namespace", "scope": {"kubernetesNamespace": "n"}, "checks": [{{{Deny}}}]},
              {"displayName": "rest", "checks": [{{{Unavailable}}}]}]}}
            """);

        Assert.Equal(("CONFORMANT", "account"), await SetOfAsync("n", "s"));
        Assert.Equal(("NON_CONFORMANT", "namespace"), await SetOfAsync("n", "other"));
        Assert.Equal(("ERROR", "rest"), await SetOfAsync("m", "s"));
    }

    [Fact, Trait("attack", "121")]
    public async Task Empty_checks_and_check_sets_conform_and_alwaysDeny_catches_all()
    {
        await CreateAsync("""{"gkePolicy": {}}""");
        Assert.Equal("CONFORMANT", (await EvaluateAsync(Pod("a.example/b")))["verdict"]);
        await rest.DoAsync("PUT", $"{Policies}/x", """{"gkePolicy": {"checkSets": [{"displayName": "s", "checks": []}]}}""");
        Assert.Equal("CONFORMANT", (await EvaluateAsync(Pod("a.example/b")))["verdict"]);
        await rest.DoAsync("PUT", $"{Policies}/x", Checks(Deny));
        Assert.Equal("NON_CONFORMANT", (await EvaluateAsync(Pod("a.example/b")))["verdict"]);
    }

    [Fact, Trait("attack", "120")]
    public async Task Non_conformance_beats_error_in_one_pod_and_error_alone_is_error()
    {
        await CreateAsync($$$"""{"gkePolicy": {"checkSets": [{"checks": [{{{Unavailable}}}, {"displayName": "dir", "trustedDirectoryCheck": {"trustedDirPatterns": ["a.example"]}}]}]}}""");

        Assert.Equal("ERROR", (await EvaluateAsync(Pod("a.example/b")))["verdict"]);
        var mixed = await EvaluateAsync(Pod("a.example/b", "evil.example/b"));

        Assert.Equal("NON_CONFORMANT", mixed["verdict"]);
        Assert.Equal(["ERROR", "NON_CONFORMANT"], Images(mixed).Select(image => image.GetProperty("verdict").GetString()!));
        var later = Images(mixed)[0].GetProperty("checkSetResult").GetProperty("checkResults").GetProperty("results")[0];
        Assert.Equal(("0", "later", "vulnerabilityCheck"), (later.GetProperty("index").GetString(), later.GetProperty("displayName").GetString(), later.GetProperty("type").GetString()));
        Assert.Contains("vulnerabilityCheck", later.GetProperty("explanation").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("policy")]
    [InlineData("set")]
    [InlineData("check")]
    public async Task Allowlist_of_each_level_spares_and_says_its_pattern(string level)
    {
        const string Allow = """ "imageAllowlist": {"allowPattern": ["a.example/*"]}, """;
        await CreateAsync($$$"""
            {"gkePolicy": { {{{(level == "policy" ? Allow : "")}}} "checkSets": [{ {{{(level == "set" ? Allow : "")}}} "checks": [{ {{{(level == "check" ? Allow : "")}}} "alwaysDeny": true}]}]}}
            """);

        var spared = Assert.Single(Images(await EvaluateAsync(Pod("a.example/b"))));
        var holder = level switch
        {
            "policy" => spared,
            "set" => spared.GetProperty("checkSetResult"),
            _ => spared.GetProperty("checkSetResult").GetProperty("checkResults").GetProperty("results")[0],
        };

        Assert.Equal("CONFORMANT", spared.GetProperty("verdict").GetString());
        Assert.Equal("a.example/*", holder.GetProperty("allowlistResult").GetProperty("matchedPattern").GetString());
        Assert.Equal("NON_CONFORMANT", (await EvaluateAsync(Pod("a.example/c/d")))["verdict"]);
    }

    [Theory]
    [InlineData("""{"kind": "Pod", "metadata": {"name": "o", "namespace": "n"}, "spec": POD}""")]
    [InlineData("""{"kind": "Deployment", "metadata": {"name": "o", "namespace": "n"}, "spec": {"template": {"spec": POD}}}""")]
    [InlineData("""{"kind": "StatefulSet", "metadata": {"name": "o", "namespace": "n"}, "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": POD}}}""")]
    [InlineData("""{"kind": "CronJob", "metadata": {"name": "o", "namespace": "n"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": POD}}}}}""")]
    [InlineData("""{"kind": "Rollout", "apiVersion": "x/v1", "metadata": {"name": "o", "namespace": "n"}, "spec": {"template": {"spec": POD}}}""")]
    public async Task Any_kind_with_a_pod_template_is_evaluated_with_all_its_containers(string resource)
    {
        await CreateAsync($$$"""{"gkePolicy": {"checkSets": [{"displayName": "n", "scope": {"kubernetesNamespace": "n"}, "checks": []}, {"displayName": "rest", "checks": [{{{Deny}}}]}]}}""");

        var reply = await EvaluateAsync(resource.Replace(
            "POD",
            """{"serviceAccountName": "s", "initContainers": [{"image": "a.example/i"}], "containers": [{"image": "a.example/c", "resources": {"limits": {"cpu": 0.5}}}], "ephemeralContainers": [{"image": "a.example/e"}]}""",
            StringComparison.Ordinal));

        var pod = Assert.Single(reply.Body.GetProperty("results").EnumerateArray());
        Assert.Equal(("o", "n", "s", "CONFORMANT"), (Text(pod, "podName"), Text(pod, "kubernetesNamespace"), Text(pod, "kubernetesServiceAccount"), Text(pod, "verdict")));
        Assert.Equal(["a.example/i", "a.example/c", "a.example/e"], Images(reply).Select(image => Text(image, "imageUri")));
    }

    [Theory]
    [InlineData("""{"kind": "Service", "spec": {"ports": []}}""", "resource")]
    [InlineData("""{"kind": "Pod", "spec": {"containers": []}}""", "resource")]
    [InlineData("""{"spec": {"containers": [{"image": "a.example/b"}]}}""", "resource")]
    [InlineData("""{"kind": "Pod", "spec": {"containers": [{"image": "A B"}]}}""", "resource.spec.containers[0].image")]
    [InlineData("""{"kind": "Pod", "spec": {"containers": [{"image": ""}]}}""", "resource.spec.containers[0].image")]
    [InlineData("""{"kind": "Pod", "metadata": {"namespace": "Not A Name"}, "spec": {"containers": [{"image": "a.example/b"}]}}""", "resource.spec.containers[0].image")]
    public async Task Resource_that_cannot_be_judged_is_refused_never_passed(string resource, string field)
    {
        await CreateAsync("""{"gkePolicy": {}}""");
        var reply = await EvaluateAsync(resource);

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Equal([field], reply.Fields);
    }

    [Fact]
    public async Task More_than_500_images_are_refused()
    {
        await CreateAsync("""{"gkePolicy": {}}""");

        Assert.Equal("CONFORMANT", (await EvaluateAsync(Pod([.. Enumerable.Repeat("a.example/b", 500)])))["verdict"]);
        Assert.Equal(["resource"], (await EvaluateAsync(Pod([.. Enumerable.Repeat("a.example/b", 501)]))).Fields);
    }

    [Fact]
    public async Task Attestation_counts_in_its_project_by_its_digest_and_by_the_keys_of_the_check()
    {
        using var signer = new Signer("build", _project);
        using var stranger = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        var key = JsonDocument.Parse(signer.Document()).RootElement.GetProperty("userOwnedGrafeasNote").GetProperty("publicKeys")[0].GetProperty("pkixPublicKey").GetRawText();
        await CreateAsync(Checks($$$"""
            {"displayName": "signed", "simpleSigningAttestationCheck": {"containerAnalysisAttestationProjects": ["projects/{{{_project}}}"],
              "attestationAuthenticators": [{"displayName": "b", "pkixPublicKeySet": {"pkixPublicKeys": [{{{key}}}]}}]}}
            """));
        Assert.Equal("NON_CONFORMANT", (await EvaluateAsync(Pod(Ask.Attested)))["verdict"]);

        // In another project, by another key, of another digest: nothing of it counts.
        var elsewhere = RestServer.NewProject();
        await rest.DoAsync("POST", $"/v1/projects/{elsewhere}/occurrences", signer.Occurrence(Ask.Attested));
        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", stranger.Occurrence(Ask.Attested).Replace(stranger.KeyId, signer.KeyId, StringComparison.Ordinal));
        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", signer.Occurrence(Ask.Unattested));
        await Eventually.Holds("the attestation of the other digest counts", async () => (await EvaluateAsync(Pod(Ask.Unattested)))["verdict"] == "CONFORMANT");
        Assert.Equal("NON_CONFORMANT", (await EvaluateAsync(Pod(Ask.Attested)))["verdict"]);
        Assert.Equal("NON_CONFORMANT", (await EvaluateAsync(Pod(Ask.Unattested[..Ask.Unattested.IndexOf('@')])))["verdict"]);

        var good = await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", signer.Occurrence(Ask.Attested));
        await Eventually.Holds("the attestation counts", async () => (await EvaluateAsync(Pod(Ask.Attested)))["verdict"] == "CONFORMANT");
        await rest.DoAsync("DELETE", $"/v1/{good["name"]}");
        await Eventually.Holds("it counts no more", async () => (await EvaluateAsync(Pod(Ask.Attested)))["verdict"] == "NON_CONFORMANT");
    }

    [Fact]
    public async Task Revoked_digest_does_not_conform_whatever_the_policy_allows()
    {
        await CreateAsync("""{"gkePolicy": {}}""");
        await rest.Store.PutAsync(
            DocumentKey.Of(StoredKind.Options, $"projects/{_project}/options"),
            $$"""{"revocations": [{"digest": "{{Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..]}}", "reason": "backdoor", "author": "alice"}]}""",
            "",
            "test",
            TestContext.Current.CancellationToken);
        await Eventually.Holds("the revocation counts", async () => (await EvaluateAsync(Pod(Ask.Attested)))["verdict"] == "NON_CONFORMANT");

        var images = Images(await EvaluateAsync(Pod(Ask.Attested, Ask.Unattested)));

        Assert.Equal(["NON_CONFORMANT", "CONFORMANT"], images.Select(image => Text(image, "verdict")));
        Assert.Contains("was revoked by alice: backdoor", Text(images[0], "explanation"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_cannot_be_read_may_hold_revocations_and_leave_no_verdict()
    {
        await CreateAsync("""{"gkePolicy": {}}""");
        var name = $"projects/{_project}/options";
        await rest.Store.PutAsync(DocumentKey.Of(StoredKind.Options, name), "{}", "", "test", TestContext.Current.CancellationToken);
        await using (var context = rest.Store.Database.CreateContext())
        {
            // As another version of the service may have written them.
            await context.Database.ExecuteSqlAsync($"UPDATE documents SET content = '7', etag = 'another' WHERE name = {name}", TestContext.Current.CancellationToken);
            await context.Database.ExecuteSqlRawAsync("UPDATE generation SET value = value + 1", TestContext.Current.CancellationToken);
        }

        await Eventually.Holds("there is no verdict", async () => (await EvaluateAsync(Pod(Ask.Attested)))["verdict"] == "ERROR");

        Assert.Contains("revocations are unknown", Text(Images(await EvaluateAsync(Pod(Ask.Attested)))[0], "explanation"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verdicts_are_not_signed_and_other_platforms_not_evaluated()
    {
        await CreateAsync("""{"gkePolicy": {}}""");
        await rest.DoAsync("POST", $"/v1/projects/{_project}/platforms/cloudRun/policies?policyId=x", """{"cloudRunPolicy": {"rule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY"}}}""");

        var signed = await rest.SendAsync("POST", $"{Policies}/x:evaluate", $$"""{"resource": {{Pod("a.example/b")}}, "attestationMode": "GENERATE_DEPLOY"}""");
        var run = await rest.SendAsync("POST", $"/v1/projects/{_project}/platforms/cloudRun/policies/x:evaluate", $$"""{"resource": {{Pod("a.example/b")}}}""");

        Assert.Equal((HttpStatusCode.BadRequest, "attestationMode"), (signed.Code, Assert.Single(signed.Fields)));
        Assert.Equal(HttpStatusCode.BadRequest, run.Code);
    }

    private Task<RestReply> CreateAsync(string policy) => rest.DoAsync("POST", $"{Policies}?policyId=x", policy);

    private Task<RestReply> EvaluateAsync(string resource) => rest.SendAsync("POST", $"{Policies}/x:evaluate", $$"""{"resource": {{resource}}}""");

    private async Task<(string Verdict, string Set)> SetOfAsync(string space, string account)
    {
        var reply = await EvaluateAsync($$$"""{"kind": "Pod", "metadata": {"namespace": "{{{space}}}"}, "spec": {"serviceAccountName": "{{{account}}}", "containers": [{"image": "a.example/b"}]}}""");
        return (reply["verdict"], Text(Images(reply)[0].GetProperty("checkSetResult"), "displayName"));
    }

    private static string Checks(string checks) => $$$"""{"gkePolicy": {"checkSets": [{"displayName": "s", "checks": [{{{checks}}}]}]}}""";

    private static string Pod(params string[] images) =>
        $$$"""{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": ""}, "spec": {"containers": [{{{string.Join(",", images.Select(image => $"{{\"image\": \"{image}\"}}"))}}}]}}""";

    private static JsonElement[] Images(RestReply reply) => [.. reply.Body.GetProperty("results")[0].GetProperty("imageResults").EnumerateArray()];

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
