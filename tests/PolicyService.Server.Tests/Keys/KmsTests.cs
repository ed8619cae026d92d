using Grpc.Core;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Server.Tests.Keys;

/// <summary>Attestors whose key is kept in Cloud KMS, over gRPC, with a key service on a socket.</summary>
public sealed class KmsTests
{
    private const string Allowed = "Allow Conformant Attested";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Signature_of_the_pinned_key_is_allowed_and_stays_so_without_the_key_service()
    {
        await using var kms = await KmsServer.StartAsync();
        Assert.Equal(Allowed, await kms.AnswerAsync());
        Assert.Equal(1, kms.StandIn.PublicKeyCalls);

        await kms.StandIn.DisposeAsync();

        Assert.Equal(Allowed, await kms.AnswerAsync());
        await kms.RoundAsync();
        Assert.Equal(Allowed, await kms.AnswerAsync());
    }

    [Fact]
    public async Task Signature_that_the_key_service_made_is_allowed()
    {
        await using var kms = await KmsServer.StartAsync();
        Assert.True(KmsEndpoint.TryParse(kms.StandIn.Url, out var endpoint));
        Assert.True(Core.Attestors.KmsKeyName.TryParse(KmsServer.KeyId, out var name));
        using var client = new CloudKmsClient(endpoint, TimeSpan.FromMinutes(2), new KeyMetrics(), TimeProvider.System);
        var digest = System.Security.Cryptography.SHA256.HashData(Signer.Payload(Ask.Unattested));
        kms.Server.Documents.Write("attestations/made.json", KmsServer.Occurrence(Ask.Unattested, KmsServer.KeyId, await client.SignAsync(name, digest, Cancellation)));

        await Eventually.Holds("the attestation counts", async () => await kms.AnswerAsync(Ask.Unattested) == Allowed);
    }

    [Fact]
    [Trait("attack", "92")]
    public async Task Key_service_that_is_down_at_first_use_is_an_error_that_heals()
    {
        await using var kms = await KmsServer.StartAsync("failMode: OPEN", lifetimes: new KeyLifetimes());
        kms.StandIn.Fault = KmsFault.Hangup;

        var answer = await kms.AskAsync();

        // Whoever adds a signature that names the key could else have an image admitted while the key service is down.
        Assert.Equal("Deny Error KeyUnavailable KMS:CONNECTION", KmsServer.Word(answer));
        var reason = Assert.Single(answer.Reasons);
        Assert.Equal(KmsServer.KeyId, reason.KeyId);
        Assert.NotEmpty(reason.Remedy);

        kms.StandIn.Fault = KmsFault.None;
        var took = await Eventually.Holds("the image is allowed", async () => await kms.AnswerAsync() == Allowed);
        TestContext.Current.SendDiagnosticMessage($"healed after {took.TotalMilliseconds:f0} ms; a failure is remembered for {new KeyLifetimes().Negative.TotalMilliseconds:f0} ms");
        Assert.InRange(took, TimeSpan.Zero, 5 * new KeyLifetimes().Negative);
    }

    [Fact]
    [Trait("attack", "96")]
    public async Task Five_thousand_first_requests_cost_the_key_service_one_call()
    {
        await using var kms = await KmsServer.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 5_000).Select(_ => kms.AskAsync()));

        Assert.All(answers, answer => Assert.Equal(Allowed, KmsServer.Word(answer)));
        TestContext.Current.SendDiagnosticMessage($"{answers.Length} first requests, {kms.StandIn.Calls.Count} call");
        Assert.Single(kms.StandIn.Calls);
    }

    [Theory]
    [InlineData(KmsFault.Forbidden, "PERMISSION_DENIED")]
    [InlineData(KmsFault.NotFound, "NOT_FOUND")]
    [InlineData(KmsFault.TooManyRequests, "RATE_LIMITED")]
    [InlineData(KmsFault.ServerError, "SERVER_ERROR")]
    [InlineData(KmsFault.Silent, "TIMEOUT")]
    [InlineData(KmsFault.Truncated, "MALFORMED")]
    [InlineData(KmsFault.Oversized, "TOO_LARGE")]
    [InlineData(KmsFault.WrongChecksum, "CHECKSUM")]
    [InlineData(KmsFault.OtherName, "OTHER_NAME")]
    [InlineData(KmsFault.OtherKey, "OTHER_KEY")]
    [InlineData(KmsFault.UnknownAlgorithm, "UNSUPPORTED_ALGORITHM")]
    [InlineData(KmsFault.Certificate, "UNUSABLE_KEY")]
    [Trait("attack", "83")]
    public async Task Fault_is_a_class_of_its_own_in_answer_metric_readiness_and_log(KmsFault fault, string failure)
    {
        await using var kms = await KmsServer.StartAsync(attempt: fault is KmsFault.Silent ? TimeSpan.FromMilliseconds(300) : null);
        kms.StandIn.Fault = fault;

        Assert.Equal($"Deny Error KeyUnavailable KMS:{failure}", await kms.AnswerAsync());
        Assert.Equal($"Deny Error KeyUnavailable KMS:{failure}", await kms.AnswerAsync());

        var metrics = await kms.Server.MetricsAsync();
        Assert.Equal(1, metrics.Sum("policyservice_keys_total", "level=\"kms\"", $"outcome=\"{failure}\""));
        Assert.Equal(1, metrics.Sum("policyservice_keys_total", "level=\"memory\"", "outcome=\"NEGATIVE\""));
        Assert.Equal(1, metrics.Sum("policyservice_kms_keys_unavailable"));
        var (status, body) = await kms.Server.ReadyAsync();
        Assert.Equal(System.Net.HttpStatusCode.OK, status);
        Assert.Equal($"KMS:{failure}", Assert.Single(body.GetProperty("keys").EnumerateArray()).GetProperty("problem").GetString());
        Assert.Single(kms.Server.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains($"KMS:{failure}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Key_without_pin_verifies_nothing_and_says_what_to_do()
    {
        await using var kms = await KmsServer.StartAsync(isPinned: false);

        var answer = await kms.Server.AskAsync(Ask.For(Ask.Attested));

        Assert.Equal("Deny Error KeyUnavailable KMS:NOT_PINNED", KmsServer.Word(answer));
        Assert.Contains("policyctl attestor pin", answer.Reasons[0].Remedy, StringComparison.Ordinal);
        Assert.Empty(kms.StandIn.Calls);
    }

    [Fact]
    [Trait("attack", "87")]
    public async Task Image_that_needs_no_key_causes_no_call()
    {
        await using var kms = await KmsServer.StartAsync();
        kms.Server.Documents.Write("attestations/foreign.json", KmsServer.Occurrence(Ask.Unattested, KmsServer.KeyId + "0", [1]));

        await kms.Server.AskAsync(Ask.For(Ask.Allowlisted));
        await kms.Server.AskAsync(Ask.For(Ask.Attested, Ask.Open));
        await kms.Server.AskAsync(Ask.For(Ask.Attested, Ask.Shut));
        await kms.Server.AskAsync(Ask.For("gcr.io/acme/api:1"));
        await Eventually.Holds("the foreign signature is seen", async () => (await kms.AnswerAsync(Ask.Unattested)).Contains("KEY_UNKNOWN", StringComparison.Ordinal));

        Assert.Empty(kms.StandIn.Calls);
        await kms.AnswerAsync();
        Assert.Single(kms.StandIn.Calls);
    }

    [Fact]
    [Trait("attack", "93")]
    public async Task Key_that_is_removed_or_pinned_otherwise_counts_no_more()
    {
        await using var kms = await KmsServer.StartAsync();
        Assert.Equal(Allowed, await kms.AnswerAsync());

        kms.Server.Documents.Write("options.yaml", $"pinnedKeys:\n  {KmsServer.KeyId}: sha256:{new string('1', 64)}\n");
        var pinned = await Eventually.Holds("the pin is another", async () => await kms.AnswerAsync() == "Deny Error KeyUnavailable KMS:OTHER_KEY");
        kms.Server.Documents.Write("options.yaml", $"pinnedKeys:\n  {KmsServer.KeyId}: {kms.Key.Pin}\n");
        await Eventually.Holds("the pin is right again", async () => await kms.AnswerAsync() == Allowed);
        kms.Server.Documents.Write("attestors/build.json", KmsServer.AttestorWith(KmsServer.KeyId + "0"));
        var removed = await Eventually.Holds("the key is gone", async () => await kms.AnswerAsync() == "Deny NonConformant DeniedByAttestor KEY_UNKNOWN");

        TestContext.Current.SendDiagnosticMessage($"a changed pin counted after {pinned.TotalMilliseconds:f0} ms, a removed key after {removed.TotalMilliseconds:f0} ms; promised are 1,000");
        Assert.All([pinned, removed], took => Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5)));
    }

    [Fact]
    [Trait("attack", "97")]
    public async Task Caller_who_hangs_up_leaves_the_fetch_to_the_others()
    {
        await using var kms = await KmsServer.StartAsync();
        var gate = new TaskCompletionSource();
        kms.StandIn.Gate = gate.Task;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var goes = kms.Server.Client.EvaluateAsync(Ask.For(Ask.Attested), cancellationToken: ending.Token).ResponseAsync;
        await Eventually.Holds("the key service is asked", () => !kms.StandIn.Calls.IsEmpty);
        var stays = kms.AnswerAsync();
        await ending.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => goes)).StatusCode);
        gate.SetResult();

        Assert.Equal(Allowed, await stays);
        Assert.Single(kms.StandIn.Calls);
    }
}
