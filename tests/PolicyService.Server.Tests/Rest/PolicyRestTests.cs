using System.Net;
using System.Text.Json;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Rest;

/// <summary>Project policies, the system policy, IAM policies and the configuration of continuous validation.</summary>
public sealed class PolicyRestTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Allowing = """{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}""";

    private readonly string _project = RestServer.NewProject();

    private string Policy => $"/v1/projects/{_project}/policy";

    [Fact]
    public async Task Policy_never_written_is_a_courtesy_that_is_not_stored()
    {
        var shown = await rest.DoAsync("GET", Policy);

        Assert.Equal($"projects/{_project}/policy", shown["name"]);
        Assert.Equal("NOT IN FORCE: nothing imported yet; Evaluate answers DENY NO_POLICY", shown["description"]);
        Assert.Equal("ENABLE", shown["globalPolicyEvaluationMode"]);
        Assert.Equal("ALWAYS_ALLOW", shown.Body.GetProperty("defaultAdmissionRule").GetProperty("evaluationMode").GetString());
        Assert.IsType<StoreOutcome.NotFound>(await rest.Store.GetAsync(DocumentKey.Of(StoredKind.Policy, $"projects/{_project}/policy"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Courtesy_that_is_imported_ceases_to_say_that_it_is_not_in_force()
    {
        await rest.DoAsync("PUT", Policy, (await rest.GetAsync(Policy)).Text);

        Assert.False((await rest.GetAsync(Policy)).Body.TryGetProperty("description", out _));
    }

    [Fact]
    public async Task Policy_is_given_back_as_written_with_name_etag_and_time()
    {
        await rest.DoAsync("PUT", Policy, """{"name": "projects/other/policy", "updateTime": "2001-01-01T00:00:00Z", """ + Allowing[1..]);
        var shown = await rest.DoAsync("GET", Policy);

        Assert.Equal($"projects/{_project}/policy", shown["name"]);
        Assert.NotEmpty(shown["etag"]);
        Assert.DoesNotContain("2001", shown["updateTime"], StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "95")]
    public async Task Etag_that_is_not_the_current_one_is_ABORTED_and_none_overwrites()
    {
        var first = (await rest.DoAsync("PUT", Policy, Allowing))["etag"];
        var second = await rest.DoAsync("PUT", Policy, $$"""{"etag": "{{first}}", {{Allowing[1..]}}""");

        var stale = await rest.SendAsync("PUT", Policy, $$"""{"etag": "{{first}}", {{Allowing[1..]}}""");

        Assert.Equal((HttpStatusCode.Conflict, "ABORTED"), (stale.Code, stale.Status));
        Assert.Equal(second["etag"], (await rest.GetAsync(Policy))["etag"]);
        Assert.NotEqual(second["etag"], (await rest.DoAsync("PUT", Policy, Allowing))["etag"]);
        Assert.NotEqual(second["etag"], (await rest.DoAsync("PUT", Policy, """{"etag": "", """ + Allowing[1..]))["etag"]);
    }

    [Theory]
    [InlineData("""{"name": "projects/p/policy"}""", "defaultAdmissionRule")]
    [InlineData("""{"defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}""", "defaultAdmissionRule")]
    [InlineData("""{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["projects/p/attestors/a"]}}""", "defaultAdmissionRule.requireAttestationsBy")]
    [InlineData("""{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "LATER"}}""", "defaultAdmissionRule.enforcementMode")]
    [InlineData("""{"clusterAdmissionRules": {"Prod": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}}""", "clusterAdmissionRules.Prod")]
    [InlineData("""{"admissionWhitelistPatterns": [{"namePattern": "a/b"}, {"namePattern": "*/b"}]}""", "admissionWhitelistPatterns[1].namePattern")]
    public async Task Policy_against_the_rules_of_its_schema_is_refused_by_field(string body, string field)
    {
        var reply = await rest.SendAsync("PUT", Policy, body);

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Contains(field, reply.Fields);
    }

    [Fact]
    public async Task Two_kinds_of_specific_rules_are_refused()
    {
        const string Rule = """{"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}""";
        var reply = await rest.SendAsync(
            "PUT", Policy, $$$"""{"clusterAdmissionRules": {"a.b": {{{Rule}}} }, "kubernetesNamespaceAdmissionRules": {"n": {{{Rule}}} }, "defaultAdmissionRule": {{{Rule}}} }""");

        Assert.Equal(["kubernetesNamespaceAdmissionRules"], reply.Fields);
    }

    [Fact]
    public async Task Attestor_that_does_not_exist_is_refused()
    {
        var reply = await rest.SendAsync("PUT", Policy, $$"""
            {"defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["projects/{{_project}}/attestors/ghost"] } }
            """);

        Assert.Equal((HttpStatusCode.BadRequest, "INVALID_ARGUMENT"), (reply.Code, reply.Status));
        Assert.Contains("ghost", reply.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1beta1")]
    [InlineData("v1alpha2")]
    public async Task Versions_show_one_policy(string version)
    {
        var written = await rest.DoAsync("PUT", $"/{version}/projects/{_project}/policy", Allowing);

        Assert.Equal(written.Text, (await rest.GetAsync(Policy)).Text);
    }

    [Fact]
    public async Task System_policy_has_the_name_of_the_location_asked_about()
    {
        Assert.Equal("locations/us-central1/policy", (await rest.DoAsync("GET", "/v1alpha2/locations/us-central1/policy"))["name"]);
        await rest.Store.PutAsync(
            DocumentKey.Of(StoredKind.SystemPolicy, "locations/global/policy"), """{"admissionWhitelistPatterns": [{"namePattern": "registry.k8s.io/**"}]}""", "", "test", TestContext.Current.CancellationToken);

        var shown = await rest.DoAsync("GET", "/v1alpha2/locations/us-central1/policy");

        Assert.Equal("locations/us-central1/policy", shown["name"]);
        Assert.Equal("registry.k8s.io/**", shown.Body.GetProperty("admissionWhitelistPatterns")[0].GetProperty("namePattern").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await rest.SendAsync("PUT", "/v1alpha2/locations/us-central1/policy", "{}")).Code);
    }

    [Fact]
    public async Task IAM_policy_is_empty_at_first_and_its_etag_round_trips_in_either_alphabet()
    {
        var first = await rest.DoAsync("GET", $"{Policy}:getIamPolicy?options.requestedPolicyVersion=3");
        Assert.False(first.Body.TryGetProperty("bindings", out _));

        var second = await rest.DoAsync("POST", $"{Policy}:setIamPolicy", Iam(first["etag"]));
        var shown = await rest.DoAsync("GET", $"{Policy}:getIamPolicy");
        Assert.Equal(second.Text, shown.Text);
        Assert.Equal("user:a@example.com", shown.Body.GetProperty("bindings")[0].GetProperty("members")[0].GetString());

        // Padding and alphabet are the client's.
        await rest.DoAsync("POST", $"{Policy}:setIamPolicy", Iam(second["etag"].TrimEnd('=').Replace('+', '-').Replace('/', '_')));
        var stale = await rest.SendAsync("POST", $"{Policy}:setIamPolicy", Iam(second["etag"]));

        Assert.Equal((HttpStatusCode.Conflict, "ABORTED"), (stale.Code, stale.Status));
        await rest.DoAsync("POST", $"{Policy}:setIamPolicy", """{"policy": {"version": 3}}""");
        Assert.False((await rest.GetAsync($"{Policy}:getIamPolicy")).Body.TryGetProperty("bindings", out _));
    }

    [Fact]
    public async Task IAM_policy_of_an_attestor_that_does_not_exist_is_NOT_FOUND()
    {
        var path = $"/v1/projects/{_project}/attestors/ghost";

        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync($"{path}:getIamPolicy")).Code);
        Assert.Equal(HttpStatusCode.NotFound, (await rest.SendAsync("POST", $"{path}:setIamPolicy", Iam(""))).Code);
        Assert.Equal(HttpStatusCode.NotFound, (await rest.SendAsync("POST", $"{path}:testIamPermissions", """{"permissions": ["a"]}""")).Code);
    }

    [Fact]
    public async Task Permissions_asked_for_are_held()
    {
        var reply = await rest.DoAsync("POST", $"{Policy}:testIamPermissions", """{"permissions": ["a.b.c", "d.e.f"]}""");

        Assert.Equal("""{"permissions":["a.b.c","d.e.f"]}""", reply.Text);
    }

    [Fact]
    public async Task Continuous_validation_has_its_inner_object_always()
    {
        var path = $"/v1alpha2/projects/{_project}/continuousValidationConfig";

        Assert.Equal(JsonValueKind.Object, (await rest.DoAsync("GET", path)).Body.GetProperty("enforcementPolicyConfig").ValueKind);
        Assert.False((await rest.DoAsync("PUT", path, "{}")).Body.GetProperty("enforcementPolicyConfig").GetProperty("enabled").GetBoolean());
        await rest.DoAsync("PUT", path, """{"enforcementPolicyConfig": {"enabled": true}}""");
        Assert.True((await rest.DoAsync("GET", path)).Body.GetProperty("enforcementPolicyConfig").GetProperty("enabled").GetBoolean());
    }

    private static string Iam(string etag) => $$$"""
        {"policy": {"etag": "{{{etag}}}", "version": 3, "bindings": [{"role": "roles/binaryauthorization.policyViewer", "members": ["user:a@example.com"],
          "condition": {"title": "t", "expression": "request.time < timestamp(\"2040-01-01T00:00:00Z\")"}}]}}
        """;
}
