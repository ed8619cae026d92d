using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class UnaryTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private readonly TestServer _server = standard.Server;

    public static TheoryData<string, string, string, Verdict, Conformance, ReasonCode> Verdicts => new()
    {
        { "attested", Ask.Attested, Ask.Enforced, Verdict.Allow, Conformance.Conformant, ReasonCode.Attested },
        { "attested, on the dry-run cluster", Ask.Attested, Ask.DryRun, Verdict.Allow, Conformance.Conformant, ReasonCode.Attested },
        { "on the allowlist", Ask.Allowlisted, Ask.Shut, Verdict.Allow, Conformance.Conformant, ReasonCode.Allowlisted },
        { "under an open rule", Ask.Unattested, Ask.Open, Verdict.Allow, Conformance.Conformant, ReasonCode.AlwaysAllow },
        { "not attested", Ask.Unattested, Ask.Enforced, Verdict.Deny, Conformance.NonConformant, ReasonCode.DeniedByAttestor },
        { "not attested, on the dry-run cluster", Ask.Unattested, Ask.DryRun, Verdict.Dryrun, Conformance.NonConformant, ReasonCode.DeniedByAttestor },
        { "under a shut rule", Ask.Attested, Ask.Shut, Verdict.Deny, Conformance.NonConformant, ReasonCode.AlwaysDeny },
        { "a tag", "gcr.io/acme/api:1", Ask.Enforced, Verdict.Deny, Conformance.NonConformant, ReasonCode.DeniedByAttestor },
    };

    [Theory, MemberData(nameof(Verdicts))]
    public async Task Evaluate_gives_each_verdict(string name, string image, string cluster, Verdict verdict, Conformance conformance, ReasonCode code)
    {
        var response = await _server.AskAsync(Ask.For(image, cluster));

        Assert.True(response.Verdict == verdict, name);
        Assert.Equal(conformance, response.Conformance);
        Assert.Equal(code, response.Reasons[0].Code);
        Assert.NotEmpty(response.Reasons[0].Text);
        Assert.Equal(image, response.ImageDigest);
        Assert.Equal(cluster, response.Cluster);
        Assert.Equal(DocumentsFolder.EtagOf(DocumentsFolder.Policy(standard.Signer.Attestor)), response.PolicyEtag);
        Assert.False(response.Stale);
        Assert.Equal(FailMode.Unspecified, response.FailMode);
    }

    [Fact]
    public async Task Evaluate_answers_a_denial_with_status_ok_and_a_remedy()
    {
        using var call = _server.Client.EvaluateAsync(Ask.For(Ask.Unattested), cancellationToken: TestContext.Current.CancellationToken);
        var response = await call;

        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        var reason = Assert.Single(response.Reasons);
        Assert.Equal("NO_ATTESTATION", reason.Detail);
        Assert.Equal(standard.Signer.Attestor, reason.Attestor);
        Assert.Equal(standard.Signer.KeyId, reason.KeyId);
        Assert.NotEmpty(reason.Remedy);
        Assert.StartsWith($"Image {Ask.Unattested} denied by Binary Authorization default admission rule.", reason.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nginx")]
    [InlineData("GCR.IO/acme/api:1")]
    [InlineData("index.docker.io/library/nginx:1")]
    [InlineData("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Evaluate_echoes_the_image_as_it_was_written(string image) =>
        Assert.Equal(image, (await _server.AskAsync(Ask.For(image))).ImageDigest);

    [Fact]
    public async Task Evaluate_gives_the_decision_id_of_the_record()
    {
        var first = await _server.AskAsync(Ask.For(Ask.Attested));
        var second = await _server.AskAsync(Ask.For(Ask.Attested));

        Assert.NotEqual(first.DecisionId, second.DecisionId);
        Assert.Equal(Ask.Attested, (await _server.Records.Of(first.DecisionId)).GetProperty("image").GetString());
        Assert.Equal(Ask.Attested, (await _server.Records.Of(second.DecisionId)).GetProperty("image").GetString());
    }

    [Fact]
    public async Task Evaluate_gives_a_trace_only_to_those_who_ask()
    {
        var plain = await _server.AskAsync(Ask.For(Ask.Attested));
        var explained = await _server.AskAsync(new EvaluateRequest { ImageDigest = Ask.Attested, Cluster = Ask.Enforced, Explain = true });

        Assert.Empty(plain.Trace);
        Assert.Contains(explained.Trace, step => step.Step_ == "allowlist" && step.Outcome == "no match");
        Assert.Equal("verdict", explained.Trace[^1].Step_);
    }

    [Fact]
    public async Task Evaluate_takes_its_time_from_the_clock_and_the_evidence_time_from_the_reading()
    {
        var read = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        var time = new FakeTimeProvider(read);
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time);
        time.Advance(TimeSpan.FromMilliseconds(300));

        var response = await server.AskAsync(Ask.For(Ask.Attested));
        var withoutEvidence = await server.AskAsync(Ask.For(Ask.Attested, Ask.Open));

        Assert.Equal(read.AddMilliseconds(300), response.EvaluateTime.ToDateTimeOffset());
        Assert.Equal(read, response.EvidenceTime.ToDateTimeOffset());
        Assert.Null(withoutEvidence.EvidenceTime);
    }

    [Fact]
    public async Task Evaluate_records_a_preview_as_one_and_decides_alike()
    {
        var request = Ask.For(Ask.Unattested);
        request.Preview = true;

        var response = await _server.AskAsync(request);

        Assert.Equal(Verdict.Deny, response.Verdict);
        Assert.True((await _server.Records.Of(response.DecisionId)).GetProperty("preview").GetBoolean());
        var plain = await _server.AskAsync(Ask.For(Ask.Unattested));
        Assert.False((await _server.Records.Of(plain.DecisionId)).TryGetProperty("preview", out _));
    }
}
