using Google.Protobuf;
using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Endpoints;

/// <summary>Every limit of SEMANTICS section 7 that a request can meet, at its edge.</summary>
public sealed class LimitTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private const int MessageBytes = 4 * 1024 * 1024;

    private static readonly Dictionary<string, (int Limit, Func<int, EvaluateRequest> Request, string Field)> Strings = new(StringComparer.Ordinal)
    {
        ["image"] = (1024, length => Ask.For(Image(length)), "image_digest"),
        ["cluster"] = (256, length => Ask.For("a", new string('a', length)), "cluster"),
        ["project"] = (256, length => With(request => request.Project = new string('a', length)), "project"),
        ["namespace"] = (256, length => With(request => request.Namespace = new string('a', length)), "namespace"),
        ["service account"] = (256, length => With(request => request.ServiceAccount = new string('a', length)), "service_account"),
        ["SPIFFE id"] = (1024, length => With(request => request.IstioIdentity = "spiffe://" + new string('a', length - 9)), "istio_identity"),
        ["parent digest"] = (256, length => With(request => request.ParentDigest = new string('a', length)), "parent_digest"),
        ["justification"] = (1024, length => Ask.BreakGlass("a", new string('a', length)), "break_glass.justification"),
        ["justification of two-byte characters"] = (1024, length => Ask.BreakGlass("a", new string('é', length / 2) + new string('a', length % 2)), "break_glass.justification"),
        ["attestor"] = (256, length => Attested(request => request.Attestor = "projects/a/attestors/" + new string('a', length - 21)), "attestations[0].attestor"),
        ["key id"] = (1024, length => Attested(request => request.PublicKeyId = new string('a', length)), "attestations[0].public_key_id"),
    };

    public static TheoryData<string> Cases => [.. Strings.Keys];

    [Theory, MemberData(nameof(Cases))]
    public async Task String_is_refused_for_its_length_one_byte_beyond_the_limit(string name)
    {
        var (limit, request, field) = Strings[name];

        var beyond = await standard.Server.RefusalAsync(request(limit + 1));

        Assert.Equal(StatusCode.InvalidArgument, beyond.StatusCode);
        Assert.StartsWith($"{field}: `", beyond.Detail, StringComparison.Ordinal);
        Assert.Matches($"{limit} bytes|1,024 bytes", beyond.Detail);
        // At the limit the answer may still be that the value means nothing, never that it is too long.
        var at = await Record.ExceptionAsync(() => standard.Server.AskAsync(request(limit)));
        Assert.DoesNotContain("it has more than", (at as RpcException)?.Status.Detail ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image")]
    [InlineData("project")]
    [InlineData("justification")]
    [InlineData("justification of two-byte characters")]
    [InlineData("attestor")]
    [InlineData("key id")]
    public async Task String_of_exactly_the_limit_gets_a_decision(string name)
    {
        var (limit, request, _) = Strings[name];

        Assert.NotEqual(Verdict.Unspecified, (await standard.Server.AskAsync(request(limit))).Verdict);
    }

    [Fact]
    public async Task Labels_and_annotations_share_256_KiB()
    {
        const int Limit = 256 * 1024;

        var at = await standard.Server.AskAsync(Labelled(Limit));
        var beyond = await standard.Server.RefusalAsync(Labelled(Limit + 1));

        Assert.Equal(Verdict.Allow, at.Verdict);
        Assert.Equal(StatusCode.InvalidArgument, beyond.StatusCode);
        Assert.Contains("labels and annotations have 262145 bytes", beyond.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_of_4_MiB_is_answered_and_one_byte_more_exhausts()
    {
        var at = await standard.Server.AskAsync(OfSize(MessageBytes));
        var beyond = await standard.Server.RefusalAsync(OfSize(MessageBytes + 1));

        Assert.Equal(Verdict.Allow, at.Verdict);
        Assert.Equal(StatusCode.ResourceExhausted, beyond.StatusCode);
    }

    [Fact]
    public async Task Stream_may_be_longer_than_one_message_may_be()
    {
        using var call = standard.Server.Client.EvaluateStream(cancellationToken: TestContext.Current.CancellationToken);
        for (var sent = 0; sent < 3; sent++)
        {
            await call.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = OfSize(MessageBytes - 100) }, TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal(Verdict.Allow, call.ResponseStream.Current.Response.Verdict);
        }
    }

    [Fact]
    public async Task Inline_payload_and_signature_count_up_to_their_limits()
    {
        using var signer = new Signer();
        await using var server = await StartInlineAsync(signer);

        Assert.Equal(Verdict.Allow, (await server.AskAsync(Sent(signer.Inline(Padded(64 * 1024))))).Verdict);
        AssertReason(ReasonCode.EvidenceLimit, "PAYLOAD_BYTES", await server.AskAsync(Sent(signer.Inline(Padded((64 * 1024) + 1)))));
        AssertReason(ReasonCode.DeniedByAttestor, "SIGNATURE_INVALID", await server.AskAsync(Sent(Signed(16 * 1024))));
        AssertReason(ReasonCode.EvidenceLimit, "SIGNATURE_BYTES", await server.AskAsync(Sent(Signed((16 * 1024) + 1))));
        // What lies beyond a limit is set aside: it does not stand in the way of a good one.
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Sent(Signed((16 * 1024) + 1), signer.Inline(Ask.Unattested)))).Verdict);

        InlineAttestation Signed(int length)
        {
            var inline = signer.Inline(Ask.Unattested);
            inline.Signature = ByteString.CopyFrom(new byte[length]);
            return inline;
        }
    }

    [Fact]
    public async Task Signatures_count_up_to_100_per_key_and_foreign_ones_not_at_all()
    {
        using var signer = new Signer();
        await using var server = await StartInlineAsync(signer);
        var bad = signer.Inline(Ask.Unattested);
        bad.Signature = ByteString.CopyFrom([1]);
        var foreign = bad.Clone();
        foreign.PublicKeyId = "ni:///sha-256;foreign";

        Assert.Equal(Verdict.Allow, (await server.AskAsync(Sent([.. Enumerable.Repeat(bad, 99), signer.Inline(Ask.Unattested)]))).Verdict);
        AssertReason(ReasonCode.EvidenceLimit, "SIGNATURES_PER_KEY", await server.AskAsync(Sent([.. Enumerable.Repeat(bad, 100), signer.Inline(Ask.Unattested)])));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Sent([.. Enumerable.Repeat(foreign, 5_000), signer.Inline(Ask.Unattested)]))).Verdict);
    }

    private static Task<TestServer> StartInlineAsync(Signer signer)
    {
        var documents = DocumentsFolder.Standard(signer);
        documents.Write("options.yaml", $"attestors: {{{signer.Attestor}: {{evidenceSources: [INLINE]}}}}");
        return TestServer.StartAsync(documents);
    }

    private static void AssertReason(ReasonCode code, string detail, EvaluateResponse response)
    {
        Assert.Equal(Verdict.Deny, response.Verdict);
        Assert.Equal((code, detail), (response.Reasons[0].Code, response.Reasons[0].Detail));
    }

    private static EvaluateRequest Sent(params InlineAttestation[] attestations)
    {
        var request = Ask.For(Ask.Unattested);
        request.Attestations.AddRange(attestations);
        return request;
    }

    private static byte[] Padded(int length)
    {
        var payload = Signer.Payload(Ask.Unattested);
        return [.. payload, .. Enumerable.Repeat((byte)' ', length - payload.Length)];
    }

    private static string Image(int length) => string.Concat(Enumerable.Repeat("a.", 600))[..(length - 3)] + "a/i";

    private static EvaluateRequest With(Action<EvaluateRequest> change)
    {
        var request = Ask.For("gcr.io/acme/api:1");
        change(request);
        return request;
    }

    private static EvaluateRequest Attested(Action<InlineAttestation> change) => With(request =>
    {
        var inline = new InlineAttestation { Attestor = "projects/acme/attestors/build", PublicKeyId = "k" };
        change(inline);
        request.Attestations.Add(inline);
    });

    private static EvaluateRequest Labelled(int bytes)
    {
        var request = Ask.For(Ask.Attested);
        request.Labels["é"] = new string('é', 50_000);
        request.Annotations["k"] = new string('v', bytes - 100_003);
        return request;
    }

    private static EvaluateRequest OfSize(int bytes)
    {
        var request = Ask.For(Ask.Attested);
        var inline = new InlineAttestation { Attestor = "projects/acme/attestors/build", PublicKeyId = "k", SerializedPayload = ByteString.CopyFrom(new byte[bytes - 1000]) };
        request.Attestations.Add(inline);
        inline.SerializedPayload = ByteString.CopyFrom(new byte[bytes - 1000 + bytes - request.CalculateSize()]);
        return request;
    }
}
