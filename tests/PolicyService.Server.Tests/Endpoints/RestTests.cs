using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class RestTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private static readonly Dictionary<string, (string Body, string Problem)> Refused = new(StringComparer.Ordinal)
    {
        ["nothing"] = ("", "no EvaluateRequest"),
        ["half an object"] = ("{", "no EvaluateRequest"),
        ["null"] = ("null", "no JSON object"),
        ["a list"] = ("[]", "no JSON object"),
        ["a string"] = ("\"a\"", "no JSON object"),
        ["a number"] = ("1", "no JSON object"),
        ["text behind the object"] = (Body("") + "x", "no EvaluateRequest"),
        ["a second object"] = (Body("") + Body(""), "no EvaluateRequest"),
        ["a comment"] = ("/**/" + Body(""), "no EvaluateRequest"),
        ["a comma too many"] = (Body(", "), "no EvaluateRequest"),
        ["an unknown field"] = (Body(", \"verdict\": \"VERDICT_ALLOW\""), "verdict"),
        ["an unknown field inside"] = (Body(", \"breakGlass\": {\"force\": true}"), "force"),
        ["a field twice"] = (Body(", \"cluster\": \"dc1.open\""), "no EvaluateRequest"),
        ["a field twice inside"] = (Body(", \"breakGlass\": {\"justification\": \"a\", \"justification\": \"b\"}"), "no EvaluateRequest"),
        ["a label twice"] = (Body(", \"labels\": {\"a\": \"1\", \"a\": \"2\"}"), "no EvaluateRequest"),
        ["both spellings"] = (Body(", \"imageDigest\": \"a\", \"image_digest\": \"b\""), "image_digest"),
        ["both spellings of a message"] = (Body(", \"breakGlass\": {}, \"break_glass\": {}"), "break_glass"),
        ["both spellings inside"] = (Body(", \"attestations\": [{\"publicKeyId\": \"a\", \"public_key_id\": \"b\"}]"), "public_key_id"),
        ["a number for a string"] = (Body(", \"project\": 1"), "no EvaluateRequest"),
        ["a string for a boolean"] = (Body(", \"explain\": \"yes\""), "no EvaluateRequest"),
        ["null in a list"] = (Body(", \"attestations\": [null]"), "no EvaluateRequest"),
        ["an object for a list"] = (Body(", \"attestations\": {}"), "no EvaluateRequest"),
        ["a label without text"] = (Body(", \"labels\": {\"a\": null}"), "no EvaluateRequest"),
        ["bytes that are no base64"] = (Body(", \"attestations\": [{\"signature\": \"a*b\"}]"), "no EvaluateRequest"),
        ["base64 of a length that cannot be"] = (Body(", \"attestations\": [{\"signature\": \"a\"}]"), "no EvaluateRequest"),
        ["half a surrogate pair"] = ("{\"imageDigest\": \"\\ud800\", \"cluster\": \"dc1.enforced\"}", "no EvaluateRequest"),
        ["half a surrogate pair in a name"] = (Body(", \"\\ud800\": 1"), "no EvaluateRequest"),
        ["65 levels"] = ("{\"x\": " + new string('[', 64) + new string(']', 64) + "}", "64"),
    };

    public static TheoryData<string> RefusedBodies => [.. Refused.Keys];

    [Fact]
    public async Task Evaluate_over_REST_gives_the_answer_of_gRPC_with_full_enum_names()
    {
        using var response = await standard.Server.PostAsync($"{{\"image_digest\": \"{Ask.Unattested}\", \"cluster\": \"{Ask.DryRun}\"}}");
        var answer = await BodyOf(response);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("VERDICT_DRYRUN", answer.GetProperty("verdict").GetString());
        Assert.Equal("CONFORMANCE_NON_CONFORMANT", answer.GetProperty("conformance").GetString());
        Assert.Equal("REASON_CODE_DENIED_BY_ATTESTOR", answer.GetProperty("reasons")[0].GetProperty("code").GetString());
        Assert.Equal(Ask.Unattested, answer.GetProperty("imageDigest").GetString());
        Assert.Equal(Ask.DryRun, answer.GetProperty("cluster").GetString());
        var record = await standard.Server.Records.Of(answer.GetProperty("decisionId").GetString()!);
        Assert.Equal("DRYRUN", record.GetProperty("answer").GetString());
    }

    [Theory]
    [InlineData("imageDigest")]
    [InlineData("image_digest")]
    public async Task Evaluate_over_REST_takes_either_spelling_and_answers_a_denial_with_200(string image)
    {
        using var response = await standard.Server.PostAsync($"{{\"{image}\": \"{Ask.Unattested}\", \"cluster\": \"{Ask.Enforced}\"}}");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("VERDICT_DENY", (await BodyOf(response)).GetProperty("verdict").GetString());
    }

    [Theory, MemberData(nameof(RefusedBodies))]
    public async Task Evaluate_over_REST_refuses_what_is_no_request(string name)
    {
        var (body, problem) = Refused[name];

        using var response = await standard.Server.PostAsync(body);
        var error = (await BodyOf(response)).GetProperty("error");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(400, error.GetProperty("code").GetInt32());
        Assert.Equal("INVALID_ARGUMENT", error.GetProperty("status").GetString());
        Assert.Contains(problem, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_of_64_levels_is_not_too_deep()
    {
        using var response = await standard.Server.PostAsync("{\"x\": " + new string('[', 63) + new string(']', 63) + "}");
        var message = (await BodyOf(response)).GetProperty("error").GetProperty("message").GetString();

        // Refused for its unknown field alone.
        Assert.DoesNotContain("64", message, StringComparison.Ordinal);
        Assert.Contains("no EvaluateRequest", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Field_at_fault_stands_in_the_details()
    {
        using var response = await standard.Server.PostAsync("{\"imageDigest\": \"a b\\n\", \"cluster\": \"dc1.enforced\"}");
        var error = (await BodyOf(response)).GetProperty("error");

        var detail = Assert.Single(error.GetProperty("details").EnumerateArray());
        Assert.Equal("type.googleapis.com/google.rpc.BadRequest", detail.GetProperty("@type").GetString());
        Assert.Equal("image_digest", detail.GetProperty("fieldViolations")[0].GetProperty("field").GetString());
        Assert.Contains(@"a b\u000a", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_never_repeats_a_long_or_colourful_body()
    {
        using var response = await standard.Server.PostAsync(Body($", \"\\u001b[31m{new string('x', 100_000)}\": 1"));
        var message = (await BodyOf(response)).GetProperty("error").GetProperty("message").GetString()!;

        Assert.True(message.Length < 400, $"{message.Length} characters");
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data")]
    [InlineData(null)]
    public async Task Other_content_types_are_refused(string? type)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body("")));
        content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);

        using var response = await standard.Server.PostAsync(content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task Other_methods_are_refused()
    {
        using var response = await standard.Server.Http.GetAsync("/v1/evaluate", TestContext.Current.CancellationToken);

        Assert.False(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF8_are_refused()
    {
        var content = new ByteArrayContent([.. "{\"imageDigest\": \""u8, 0xff, .. "\"}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await standard.Server.PostAsync(content);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Body_of_4_MiB_is_answered_and_one_byte_more_is_413()
    {
        const int Limit = 4 * 1024 * 1024;

        using var at = await PostPadded(Limit);
        using var beyond = await PostPadded(Limit + 1);
        using var unannounced = await PostPadded(Limit + 1, chunked: true);

        Assert.Equal(HttpStatusCode.OK, at.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, beyond.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, unannounced.StatusCode);
    }

    [Fact]
    public async Task Bytes_may_stand_in_either_alphabet_with_or_without_padding()
    {
        using var signer = new Signer();
        var documents = DocumentsFolder.Standard(signer);
        documents.Write("options.yaml", $"attestors: {{{signer.Attestor}: {{evidenceSources: [INLINE]}}}}");
        await using var server = await TestServer.StartAsync(documents);
        var (payload, signature) = WithBothSpecialCharacters(signer);

        foreach (var write in new Func<byte[], string>[] { Convert.ToBase64String, Unpadded, UrlSafe, bytes => UrlSafe(bytes).TrimEnd('=') })
        {
            using var response = await server.PostAsync(Inline(signer, write(payload), write(signature)));
            Assert.Equal("VERDICT_ALLOW", (await BodyOf(response)).GetProperty("verdict").GetString());
        }

        // The table is worth something only if a changed byte is denied.
        signature[^1] ^= 1;
        using var wrong = await server.PostAsync(Inline(signer, UrlSafe(payload), UrlSafe(signature)));
        Assert.Equal("VERDICT_DENY", (await BodyOf(wrong)).GetProperty("verdict").GetString());

        static string Unpadded(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');
        static string UrlSafe(byte[] bytes) => Convert.ToBase64String(bytes).Replace('+', '-').Replace('/', '_');
    }

    /// <summary>A signature whose base64 has both characters in which the alphabets differ, and padding.</summary>
    private static (byte[] Payload, byte[] Signature) WithBothSpecialCharacters(Signer signer)
    {
        var payload = Signer.Payload(Ask.Unattested);
        while (true)
        {
            var signature = signer.Sign(payload);
            var text = Convert.ToBase64String(signature);
            if (text.Contains('+', StringComparison.Ordinal) && text.Contains('/', StringComparison.Ordinal) && text.EndsWith('='))
            {
                return (payload, signature);
            }
        }
    }

    private static string Inline(Signer signer, string payload, string signature) => JsonSerializer.Serialize(new
    {
        imageDigest = Ask.Unattested,
        cluster = Ask.Enforced,
        attestations = new[] { new { serializedPayload = payload, signature, publicKeyId = signer.KeyId, attestor = signer.Attestor } },
    });

    private async Task<HttpResponseMessage> PostPadded(int length, bool chunked = false)
    {
        var body = Encoding.UTF8.GetBytes(Body("").PadRight(length));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/evaluate") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TransferEncodingChunked = chunked;
        // So that the refusal arrives before the body is on its way.
        request.Headers.ExpectContinue = !chunked;
        return await standard.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static string Body(string more) =>
        more.Contains("mageDigest", StringComparison.Ordinal) || more.Contains("image_digest", StringComparison.Ordinal)
            ? $"{{\"cluster\": \"{Ask.Enforced}\"{more}}}"
            : $"{{\"imageDigest\": \"{Ask.Attested}\", \"cluster\": \"{Ask.Enforced}\"{more}}}";

    private static async Task<JsonElement> BodyOf(HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
}
