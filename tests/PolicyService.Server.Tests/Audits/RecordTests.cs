using System.Text.Json;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Audits;

public sealed class RecordTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private readonly TestServer _server = standard.Server;

    [Fact]
    public async Task Record_of_a_violation_says_so_and_repeats_the_request()
    {
        var request = new EvaluateRequest
        {
            ImageDigest = Ask.Unattested,
            Cluster = Ask.DryRun,
            Project = "acme",
            Namespace = "shop",
            ServiceAccount = "cart",
            IstioIdentity = "spiffe://td/ns/shop/sa/cart",
            ParentDigest = "sha256:" + new string('c', 64),
            Labels = { ["app"] = "cart" },
            Annotations = { ["note"] = "éß" },
        };

        var response = await _server.AskAsync(request);
        var record = await _server.Records.Of(response.DecisionId);

        Assert.Equal("VIOLATES_POLICY", Text(record, "verdict"));
        Assert.Equal("DRYRUN", Text(record, "answer"));
        Assert.Equal("NON_CONFORMANT", Text(record, "conformance"));
        Assert.Equal(response.EvaluateTime.ToDateTimeOffset(), record.GetProperty("time").GetDateTimeOffset());
        Assert.Equal(request.ImageDigest, Text(record, "image"));
        Assert.Equal(request.Cluster, Text(record, "cluster"));
        Assert.Equal("acme", Text(record, "requestedProject"));
        Assert.Equal("shop", Text(record, "namespace"));
        Assert.Equal("cart", Text(record, "serviceAccount"));
        Assert.Equal("td/ns/shop/sa/cart", Text(record, "istioIdentity"));
        Assert.Equal(request.ParentDigest, Text(record, "parentDigest"));
        Assert.Equal("cart", Text(record.GetProperty("labels"), "app"));
        Assert.Equal("éß", Text(record.GetProperty("annotations"), "note"));
        Assert.Equal("anonymous", Text(record, "caller"));
        Assert.Equal("acme", Text(record, "project"));
        Assert.Equal(response.PolicyEtag, Text(record, "policyEtag"));
        Assert.Equal(1, record.GetProperty("generation").GetInt64());
        var reason = Assert.Single(record.GetProperty("reasons").EnumerateArray());
        Assert.Equal("DENIED_BY_ATTESTOR", Text(reason, "code"));
        Assert.Equal("NO_ATTESTATION", Text(reason, "detail"));
        Assert.Equal(standard.Signer.Attestor, Text(reason, "attestor"));
        Assert.Equal(standard.Signer.KeyId, Text(reason, "keyId"));
        Assert.Empty(record.GetProperty("evidence").EnumerateArray());
        Assert.False(record.TryGetProperty("breakGlass", out _));
    }

    [Fact]
    public async Task Record_of_an_admission_names_its_evidence_by_digest()
    {
        var response = await _server.AskAsync(Ask.For(Ask.Attested));
        var record = await _server.Records.Of(response.DecisionId);

        Assert.Equal("CONFORMS_TO_POLICY", Text(record, "verdict"));
        Assert.Equal("ALLOW", Text(record, "answer"));
        var payload = $"sha256:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Signer.Payload(Ask.Attested)))}";
        Assert.Equal(payload, Assert.Single(record.GetProperty("evidence").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task Record_holds_no_bytes_of_payloads_or_signatures()
    {
        var inline = standard.Signer.Inline(Ask.Unattested);
        var request = Ask.For(Ask.Unattested);
        request.Attestations.Add(inline);

        var response = await _server.AskAsync(request);
        var record = await _server.Records.Of(response.DecisionId);

        Assert.Single(record.GetProperty("inlineAttestations").EnumerateArray());
        var text = _server.Records.Text();
        Assert.DoesNotContain("docker-manifest-digest", text, StringComparison.Ordinal);
        foreach (var bytes in new[] { inline.SerializedPayload, inline.Signature })
        {
            Assert.DoesNotContain(bytes.ToBase64()[..32], text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexString(bytes.Span)[..32], text, StringComparison.OrdinalIgnoreCase);
        }
    }

    /// <summary>ATTACKS 107.</summary>
    [Fact]
    public async Task Callers_text_neither_breaks_the_line_nor_colours_a_terminal()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        const string Evil = "a\r\n{\"verdict\":\"CONFORMS_TO_POLICY\"}\u001b[2J\u001b]0;x\a\u0085\u2028\u2029\0\"\\</script>\u202e\u009b31m";
        var request = Ask.BreakGlass(Ask.Unattested, Evil);
        request.Labels[Evil] = Evil;
        request.Annotations[Evil] = Evil;

        var response = await server.AskAsync(request);
        var record = await server.Records.Of(response.DecisionId);

        Assert.Equal(Evil, Text(record.GetProperty("labels"), Evil));
        Assert.Equal(Evil, Text(record.GetProperty("breakGlass"), "justification"));
        Assert.Single(server.Records.Records());
        Assert.All(server.Records.Text().TrimEnd('\n'), character => Assert.InRange(character, ' ', '~'));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains('\u001b', StringComparison.Ordinal));
    }

    /// <summary>ATTACKS 100, 101.</summary>
    [Theory]
    [InlineData(Ask.Attested, "CONFORMS_TO_POLICY", "ALLOW", "CONFORMANT", Verdict.Allow, Conformance.Conformant)]
    [InlineData(Ask.Unattested, "VIOLATES_POLICY", "DENY", "NON_CONFORMANT", Verdict.Deny, Conformance.NonConformant)]
    public async Task Break_glass_is_recorded_with_what_it_overrode(
        string image, string verdict, string overridden, string conformance, Verdict overriddenVerdict, Conformance overriddenConformance)
    {
        var response = await _server.AskAsync(Ask.BreakGlass(image, "outage 7"));
        var record = await _server.Records.Of(response.DecisionId);

        Assert.Equal((Verdict.Allow, true), (response.Verdict, response.BreakGlass));
        Assert.Equal((overriddenVerdict, overriddenConformance), (response.OverriddenVerdict, response.OverriddenConformance));
        Assert.Equal(overriddenConformance, response.Conformance);
        Assert.Equal(ReasonCode.BreakGlass, response.Reasons[0].Code);
        Assert.Equal(2, response.Reasons.Count);
        Assert.Equal(verdict, Text(record, "verdict"));
        Assert.Equal("ALLOW", Text(record, "answer"));
        Assert.Equal(overridden, Text(record, "overriddenAnswer"));
        Assert.Equal(conformance, Text(record, "overriddenConformance"));
        Assert.True(record.GetProperty("breakGlass").GetProperty("honoured").GetBoolean());
        Assert.Equal("outage 7", Text(record.GetProperty("breakGlass"), "justification"));
    }

    /// <summary>ATTACKS 101: per image, also within one pod.</summary>
    [Fact]
    public async Task Break_glass_of_a_batch_is_recorded_per_image()
    {
        var batch = new EvaluateBatchRequest { Requests = { Ask.BreakGlass(Ask.Attested), Ask.For(Ask.Unattested), Ask.BreakGlass(Ask.Unattested) } };

        var results = (await _server.Client.EvaluateBatchAsync(batch, cancellationToken: TestContext.Current.CancellationToken)).Results;

        Assert.Equal([true, false, true], results.Select(result => result.Response.BreakGlass));
        Assert.Equal([Verdict.Allow, Verdict.Deny, Verdict.Allow], results.Select(result => result.Response.Verdict));
        Assert.Equal("ALLOW", Text(await _server.Records.Of(results[0].Response.DecisionId), "overriddenAnswer"));
        Assert.Equal("DENY", Text(await _server.Records.Of(results[2].Response.DecisionId), "overriddenAnswer"));
    }

    /// <summary>ATTACKS 99: the markers of platforms are for adapters; the service reads its own field alone.</summary>
    [Theory]
    [InlineData("image-policy.k8s.io/break-glass", "true")]
    [InlineData("alpha.image-policy.k8s.io/break-glass", "true")]
    [InlineData("alpha.image-policy.k8s.io/break-glass", "TRUE")]
    [InlineData("alpha.image-policy.k8s.io/break-glass", "")]
    [InlineData("run.googleapis.com/binary-authorization-breakglass", "outage")]
    public async Task Marker_among_labels_or_annotations_is_none(string key, string value)
    {
        var request = Ask.For(Ask.Unattested);
        request.Labels[key] = value;
        request.Annotations[key] = value;

        var response = await _server.AskAsync(request);

        Assert.Equal((Verdict.Deny, false, Verdict.Unspecified), (response.Verdict, response.BreakGlass, response.OverriddenVerdict));
        Assert.False((await _server.Records.Of(response.DecisionId)).TryGetProperty("breakGlass", out _));
    }

    /// <summary>ATTACKS 103: the platform that requires a reason asks for it in its adapter; here an empty one is honoured, and shows.</summary>
    [Fact]
    public async Task Break_glass_without_a_reason_is_honoured_and_recorded()
    {
        var response = await _server.AskAsync(Ask.BreakGlass(Ask.Unattested, ""));

        Assert.Equal((Verdict.Allow, true), (response.Verdict, response.BreakGlass));
        Assert.Equal("", Text((await _server.Records.Of(response.DecisionId)).GetProperty("breakGlass"), "justification"));
    }

    [Fact]
    public async Task Break_glass_that_needs_a_grant_is_ignored_and_the_record_says_so()
    {
        using var signer = new Signer();
        var documents = DocumentsFolder.Standard(signer);
        documents.Write("options.yaml", "breakGlass: {requireGrant: true}");
        await using var server = await TestServer.StartAsync(documents);

        var response = await server.AskAsync(Ask.BreakGlass(Ask.Unattested));
        var record = await server.Records.Of(response.DecisionId);

        Assert.Equal((Verdict.Deny, false), (response.Verdict, response.BreakGlass));
        Assert.False(record.GetProperty("breakGlass").GetProperty("honoured").GetBoolean());
        Assert.StartsWith("break_glass", Assert.Single(record.GetProperty("ignored").EnumerateArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Preview_of_break_glass_is_marked()
    {
        var request = Ask.BreakGlass(Ask.Unattested);
        request.Preview = true;

        var record = await _server.Records.Of((await _server.AskAsync(request)).DecisionId);

        Assert.True(record.GetProperty("preview").GetBoolean());
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
