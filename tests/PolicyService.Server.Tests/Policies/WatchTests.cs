using System.Net;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Policies;

/// <summary>SEMANTICS section 5 through a running server and its own clock: a change counts within 1 s; asserted is five times that.</summary>
public sealed class WatchTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Change_of_the_policy_counts()
    {
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
        var document = DocumentsFolder.FixedPolicy("ALWAYS_DENY");

        server.Documents.Write("policy.yaml", document);

        await CountsAsync("policy changed", server, response => response.Verdict == Verdict.Deny && response.PolicyEtag == DocumentsFolder.EtagOf(document));
    }

    [Fact]
    public async Task Removal_and_return_of_a_key_count()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);

        server.Documents.Write("attestors/build.yaml", signer.Document(withKey: false));
        await CountsAsync("key removed", server, response => response.Reasons[0].Detail == "NO_KEYS");

        server.Documents.Write("attestors/build.yaml", signer.Document());
        await CountsAsync("key added", server, response => response.Verdict == Verdict.Allow);
    }

    [Fact]
    public async Task Change_of_a_key_to_another_counts()
    {
        using var signer = new Signer();
        using var other = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);

        server.Documents.Write("attestors/build.yaml", other.Document());

        await CountsAsync("key exchanged", server, response => response.Reasons[0].Detail == "KEY_UNKNOWN");
    }

    [Fact]
    public async Task Deletion_of_an_attestor_counts()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);

        server.Documents.Delete("attestors/build.yaml");

        await CountsAsync("attestor deleted", server, response => response.Verdict == Verdict.Deny && response.Reasons[0].Code == ReasonCode.PolicyConfigError);
    }

    [Fact]
    public async Task Attestation_added_and_deleted_counts()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        var request = Ask.For(Ask.Unattested);
        Assert.Equal(Verdict.Deny, (await server.AskAsync(request)).Verdict);

        server.Documents.Write("attestations/second.json", signer.Occurrence(Ask.Unattested));
        await CountsAsync("attestation added", server, response => response.Verdict == Verdict.Allow, request);

        server.Documents.Delete("attestations/second.json");
        await CountsAsync("attestation deleted", server, response => response.Reasons[0].Detail == "NO_ATTESTATION", request);
    }

    [Fact]
    public async Task Revocation_counts_and_so_does_its_end()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
        var digest = Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..];

        server.Documents.Write("options.yaml", $"revocations: [{{digest: '{digest}', reason: CVE-2026-1, author: alice@example.com}}]");
        await CountsAsync("digest revoked", server, response => response.Reasons[0].Code == ReasonCode.Revoked);

        server.Documents.Write("options.yaml", $"revocations: [{{digest: '{digest}', attestor: {signer.Attestor}, reason: withdrawn, author: bob@example.com}}]");
        await CountsAsync("attestor's word revoked", server, response => response.Reasons[0].Detail == "REVOKED");

        server.Documents.Delete("options.yaml");
        await CountsAsync("revocation lifted", server, response => response.Verdict == Verdict.Allow);
    }

    [Fact]
    public async Task Deletion_of_the_policy_is_a_deletion_at_once()
    {
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);

        server.Documents.Delete("policy.yaml");

        await CountsAsync("policy deleted", server, response => response.Verdict == Verdict.Deny && response.Reasons[0].Code == ReasonCode.NoPolicy);
    }

    /// <summary>ATTACKS 95.</summary>
    [Fact]
    public async Task Invalid_policy_leaves_the_old_one_in_force_and_is_reported_until_mended()
    {
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        var etag = (await server.AskAsync(Ask.For(Ask.Attested))).PolicyEtag;

        server.Documents.Write("policy.yaml", "name: projects/acme/policy\ndefaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}\nallow: everything\n");

        await Eventually.Holds("the problem is known", async () => (await ProblemsAsync(server)) > 0);
        var response = await server.AskAsync(Ask.For(Ask.Attested));
        Assert.Equal((Verdict.Allow, etag), (response.Verdict, response.PolicyEtag));
        var (status, body) = await server.ReadyAsync();
        Assert.Equal(HttpStatusCode.OK, status);
        var problem = Assert.Single(body.GetProperty("documents").GetProperty("problems").EnumerateArray());
        Assert.Equal("policy.yaml", problem.GetProperty("file").GetString());
        Assert.Equal(3, problem.GetProperty("line").GetInt32());
        Assert.Equal("error", problem.GetProperty("severity").GetString());
        Assert.NotEmpty(problem.GetProperty("remedy").GetString()!);
        Assert.Single(server.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("policy.yaml", StringComparison.Ordinal));

        server.Documents.Write("policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY"));

        await CountsAsync("policy mended", server, answer => answer.Verdict == Verdict.Deny);
        Assert.Equal(0, await ProblemsAsync(server));
        (_, body) = await server.ReadyAsync();
        Assert.Empty(body.GetProperty("documents").GetProperty("problems").EnumerateArray());
    }

    [Fact]
    public async Task Malformed_attestation_file_is_skipped_and_reported()
    {
        using var signer = new Signer();
        var documents = DocumentsFolder.Standard(signer);
        documents.Write("attestations/broken.json", "{");
        await using var server = await TestServer.StartAsync(documents);

        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
        Assert.True(await ProblemsAsync(server) > 0);
        Assert.Equal(HttpStatusCode.OK, (await server.ReadyAsync()).Status);
    }

    [Fact]
    public async Task Policy_refused_at_its_first_load_is_none()
    {
        var documents = new DocumentsFolder();
        documents.Write("policy.yaml", "defaultAdmissionRule: ALLOW");
        await using var server = await TestServer.StartAsync(documents);

        var response = await server.AskAsync(Ask.For(Ask.Attested));

        Assert.Equal((Verdict.Deny, ReasonCode.NoPolicy), (response.Verdict, response.Reasons[0].Code));
        Assert.Equal("", response.PolicyEtag);
    }

    private static async Task CountsAsync(string what, TestServer server, Func<EvaluateResponse, bool> condition, EvaluateRequest? request = null)
    {
        var taken = await Eventually.Holds(what, async () => condition(await server.AskAsync(request ?? Ask.For(Ask.Attested))));
        TestContext.Current.TestOutputHelper!.WriteLine($"{what}: counted after {taken.TotalMilliseconds:f0} ms");
        Assert.True(taken < Bound, $"{what}: {taken}");
    }

    private static async Task<double> ProblemsAsync(TestServer server) => (await server.MetricsAsync()).Sum("policyservice_document_problems", "severity=\"error\"");
}
