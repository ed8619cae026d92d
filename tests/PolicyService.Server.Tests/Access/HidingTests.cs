using System.Net;
using PolicyService.Server.Tests.Rest;

namespace PolicyService.Server.Tests.Access;

/// <summary>A refusal is the same whether what lies beyond it exists or not.</summary>
public sealed class HidingTests(HidingServer hiding) : IClassFixture<HidingServer>
{
    private const string Mine = "group:shop";

    public static TheoryData<string, string, string, string> Questions => new()
    {
        { "attestor", "GET", "/v1/projects/acme/attestors/X", "" },
        { "attestor, to delete", "DELETE", "/v1/projects/acme/attestors/X", "" },
        { "attestor, to change", "PUT", "/v1beta1/projects/acme/attestors/X", "{}" },
        { "IAM policy", "GET", "/v1/projects/acme/attestors/X:getIamPolicy", "" },
        { "IAM policy, to set", "POST", "/v1/projects/acme/attestors/X:setIamPolicy", """{"policy": {}}""" },
        { "note", "GET", "/v1/projects/acme/notes/X", "" },
        { "occurrences of a note", "GET", "/v1/projects/acme/notes/X/occurrences", "" },
        { "platform policy", "GET", "/v1/projects/acme/platforms/gke/policies/X", "" },
        { "evaluation", "POST", "/v1/projects/acme/platforms/gke/policies/X:evaluate", "{}" },
        { "validation", "POST", "/v1/projects/acme/attestors/X:validateAttestationOccurrence", "{}" },
        { "policy that names an attestor", "PUT", "/v1/projects/shop/policy", HidingServer.Policy("projects/acme/attestors/X") },
        { "occurrence on a note", "POST", "/v1/projects/shop/occurrences", $$"""{"kind": "BUILD", "noteName": "projects/acme/notes/X", "resourceUri": "https://a/b@{{RouteTable.Digest}}"}""" },
        { "attestor on a note", "POST", "/v1/projects/shop/attestors?attestorId=mine", """{"userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/X"}}""" },
        { "attestor on a note, in an older version", "POST", "/v1beta1/projects/shop/attestors?attestorId=mine", """{"userOwnedDrydockNote": {"noteReference": "projects/acme/notes/X"}}""" },
        { "what one may", "POST", "/v1/projects/acme/attestors/X:testIamPermissions", """{"permissions": ["binaryauthorization.attestors.get"]}""" },
    };

    [Theory, MemberData(nameof(Questions))]
    public async Task Answer_is_the_same_whether_it_exists_or_not(string name, string method, string path, string body)
    {
        var there = await AskAsync("build");
        var nowhere = await AskAsync("other");

        Assert.True(there.Text == nowhere.Text.Replace("other", "build", StringComparison.Ordinal), $"{name}: {there.Text} {nowhere.Text}");
        Assert.Equal(there.Code, nowhere.Code);
        Assert.Equal(name == "what one may" ? HttpStatusCode.OK : HttpStatusCode.Forbidden, there.Code);

        Task<RestReply> AskAsync(string id) => hiding.Access.SendAsync(
            Mine, method, path.Replace("X", id, StringComparison.Ordinal), body.Length == 0 ? null : body.Replace("X", id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Evaluation_of_a_policy_tells_nothing_of_projects_its_author_may_not_list()
    {
        const string Path = "/v1/projects/shop/platforms/gke/policies";
        const string Refusal = $"{Mine} lacks containeranalysis.occurrences.list on projects/acme:";
        var writing = await hiding.Access.SendAsync(Mine, "POST", $"{Path}?policyId=theirs", HidingServer.Check("acme"));
        Assert.Equal((HttpStatusCode.Forbidden, true), (writing.Code, writing.Message.StartsWith(Refusal, StringComparison.Ordinal)));
        await hiding.Access.DoAsync("group:shop group:admins", "POST", $"{Path}?policyId=theirs", HidingServer.Check("acme"));
        var replacing = await hiding.Access.SendAsync(Mine, "PUT", $"{Path}/theirs", HidingServer.Check("acme"));
        Assert.Equal((HttpStatusCode.Forbidden, true), (replacing.Code, replacing.Message.StartsWith(Refusal, StringComparison.Ordinal)));
        await hiding.Access.DoAsync(Mine, "POST", $"{Path}?policyId=mine", HidingServer.Check("shop"));
        const string Pod = $$$$"""{"resource": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n"}, "spec": {"containers": [{"name": "c", "image": "a.example/b@{{{{RouteTable.Digest}}}}"}]}}}""";

        var theirs = await hiding.Access.SendAsync(Mine, "POST", $"{Path}/theirs:evaluate", Pod);

        Assert.Equal((HttpStatusCode.Forbidden, true), (theirs.Code, theirs.Message.StartsWith(Refusal, StringComparison.Ordinal)));
        await hiding.Access.DoAsync(Mine, "POST", $"{Path}/mine:evaluate", Pod);
        await hiding.Access.DoAsync("group:shop group:admins", "POST", $"{Path}/theirs:evaluate", Pod);
    }

    [Fact]
    public async Task Attestor_takes_a_note_of_another_project_where_its_author_may_list_what_hangs_on_it()
    {
        const string OnTheirs = """{"userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/build"}}""";
        var refused = await hiding.Access.SendAsync(Mine, "POST", "/v1/projects/shop/attestors?attestorId=theirs", OnTheirs);
        Assert.Equal(
            (HttpStatusCode.Forbidden, true),
            (refused.Code, refused.Message.StartsWith($"{Mine} lacks containeranalysis.notes.listOccurrences on projects/acme/notes/build:", StringComparison.Ordinal)));

        await hiding.Access.DoAsync($"{Mine} {HidingServer.Listing}", "POST", "/v1/projects/shop/attestors?attestorId=theirs", OnTheirs);
        // Its keys change without looking at the note again, which stays.
        await hiding.Access.DoAsync(Mine, "PUT", "/v1/projects/shop/attestors/theirs", OnTheirs);
    }

    [Theory]
    [InlineData("/v1/projects/shop-evil/policy")]
    [InlineData("/v1/projects/sho/policy")]
    [InlineData("/v1/projects/*/policy")]
    [InlineData("/v1/projects/acme%2F..%2Fshop/policy")]
    [InlineData("/v1/projects/acme/..%2Fshop/policy")]
    [InlineData("/v1/projects/shop%00/policy")]
    [InlineData("/v1/projects/SHOP/policy")]
    [InlineData("/v1/projects/shop%20/policy")]
    public async Task Names_that_resemble_a_granted_one_are_refused(string path)
    {
        var reply = await hiding.Access.SendAsync(Mine, "GET", path);

        Assert.True(reply.Code is HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.BadRequest, reply.Text);
        Assert.DoesNotContain("defaultAdmissionRule", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_in_refusals_are_escaped()
    {
        var reply = await hiding.Access.SendAsync("group:shop\u007f`x", "GET", "/v1/projects/a%1B%5B31mb/policy");

        Assert.Equal(HttpStatusCode.Forbidden, reply.Code);
        Assert.Contains(@"projects/a\u001b[31mb/policy", reply.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('`', reply.Message);
    }

    [Fact]
    public async Task Refusal_comes_before_the_body_is_looked_at()
    {
        var reply = await hiding.Access.SendAsync(Mine, "PUT", "/v1/projects/acme/policy", "no JSON");

        Assert.Equal((HttpStatusCode.Forbidden, "PERMISSION_DENIED"), (reply.Code, reply.Status));
        Assert.Equal(
            "group:shop lacks binaryauthorization.policy.update on projects/acme/policy: grant it a role that has it, such as roles/binaryauthorization.policyEditor, in the access file or in the IAM policy of projects/acme/policy",
            reply.Message);
    }
}

/// <summary>Two projects, and somebody who has one of them.</summary>
public sealed class HidingServer : IAsyncLifetime
{
    public const string Listing = "group:listing";

    internal AccessServer Access { get; private set; } = null!;

    public static string Policy(string attestor) =>
        $$$"""{"defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["{{{attestor}}}"]}}""";

    public static string Check(string project) =>
        $$$"""
        {"gkePolicy": {"checkSets": [{"displayName": "s", "checks": [{"displayName": "c", "simpleSigningAttestationCheck": {"containerAnalysisAttestationProjects": ["projects/{{{project}}}"],
          "attestationAuthenticators": [{"displayName": "b", "pkixPublicKeySet": {"pkixPublicKeys": [{"publicKeyPem": "{{{Pem}}}", "signatureAlgorithm": "ECDSA_P256_SHA256"}]}}]}}]}]}}
        """;

    private const string Pem = "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf9ODnrapSEyhmOT+4twUtC5bIb/v\\nhSCa4eU+nnc2s9h9bAyLSdQ+fEz4ZW5XwYmRSZturF78GEqUupfxq2Ln+Q==\\n-----END PUBLIC KEY-----\\n";

    public async ValueTask InitializeAsync()
    {
        Access = await AccessServer.StartAsync(AdminServer.File.Replace("evaluators:", """
            - {role: roles/binaryauthorization.policyAdmin, members: ["group:shop"], resources: [projects/shop]}
            - {role: roles/binaryauthorization.attestorsAdmin, members: ["group:shop"], resources: [projects/shop]}
            - {role: roles/containeranalysis.admin, members: ["group:shop"], resources: [projects/shop]}
            - {role: roles/containeranalysis.notes.occurrences.viewer, members: ["group:listing"], resources: [projects/acme/notes/build]}
            evaluators:
            """, StringComparison.Ordinal));
        await Access.DoAsync(AdminServer.Admin, "POST", "/v1/projects/acme/notes?noteId=build", """{"attestation": {}}""");
        await AdminServer.AttestorsAsync(Access, "acme", "build");
        await Access.DoAsync(AdminServer.Admin, "POST", "/v1/projects/acme/platforms/gke/policies?policyId=build", """{"gkePolicy": {}}""");
        await Access.DoAsync(AdminServer.Admin, "PUT", "/v1/projects/shop/policy", """{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}""");
    }

    public async ValueTask DisposeAsync() => await Access.DisposeAsync();
}
