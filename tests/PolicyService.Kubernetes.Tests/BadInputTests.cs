using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>What no API server sends: always a well-formed refusal, never a hang, never a status 500 without a message.</summary>
public sealed class BadInputTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private static readonly string[] Paths = ["/validate", "/validate/fail-open", "/mutate"];

    /// <summary>What is wrong, the review, the status of the refusal, and what its message has.</summary>
    public static TheoryData<string, string, int, string> Malformed
    {
        get
        {
            var good = AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested));
            return new()
            {
                { "v1beta1", good.With("apiVersion", "admission.k8s.io/v1beta1").ToJsonString(), 400, "`admission.k8s.io/v1beta1`: only AdmissionReview of admission.k8s.io/v1 is read" },
                { "another kind", good.With("kind", "ImageReview").ToJsonString(), 400, "is a `ImageReview`" },
                { "no apiVersion", good.With("apiVersion", null).ToJsonString(), 400, "of ``" },
                { "no operation", good.With("request.operation", null).ToJsonString(), 400, "`request.operation` is missing" },
                { "another operation", good.With("request.operation", "create\u001b[31m").ToJsonString(), 400, "is `create\\u001b[31m`" },
                { "no kind", good.With("request.kind", null).ToJsonString(), 400, "`request.kind` is missing" },
                { "look-alike request", good.ToJsonString().Replace("\"oldObject\":null", "\"Object\":{}", StringComparison.Ordinal), 400, "differs only in case" },
                { "dryRun that is a text", good.With("request.dryRun", "true").ToJsonString(), 400, "`request.dryRun` is a text, not true or false" },
                { "field twice", good.ToJsonString().Replace("\"options\":null", "\"namespace\":\"kube-system\"", StringComparison.Ordinal), 400, "no name twice" },
                { "cut off", good.ToJsonString()[..^40], 400, "is not the JSON that is read" },
                { "rest behind it", good.ToJsonString() + "{}", 400, "is not the JSON that is read" },
                { "65 levels", good.With("request.object", JsonNode.Parse(string.Concat(Enumerable.Repeat("[", 63)) + string.Concat(Enumerable.Repeat("]", 63)), documentOptions: new JsonDocumentOptions { MaxDepth = 100 })).ToJsonString(new JsonSerializerOptions { MaxDepth = 100 }), 400, "at most 64 levels" },
            };
        }
    }

    private ApiServerStandIn Cluster => standard.Enforced.ApiServer;

    [Theory, MemberData(nameof(Malformed))]
    public async Task Malformed_review_is_refused_with_its_uid(string name, string review, int code, string message)
    {
        foreach (var path in Paths)
        {
            using var response = await Cluster.PostAsync(path, review);
            await AssertRefusalAsync(response, HttpStatusCode.OK, AdmissionReviews.Uid, code, message, name);
        }
    }

    [Theory]
    [InlineData("no body", "")]
    [InlineData("no JSON", "<html>")]
    [InlineData("a list", "[]")]
    [InlineData("null", "null")]
    [InlineData("no request", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}""")]
    [InlineData("no uid", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {}}""")]
    [InlineData("empty uid", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": ""}}""")]
    [InlineData("uid that is a number", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": 1}}""")]
    [InlineData("uid that is half a character", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "\ud800"}}""")]
    [InlineData("uid of something else", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "options": {"uid": "1"}}""")]
    public async Task Review_without_a_uid_is_a_bad_request(string name, string body)
    {
        foreach (var path in Paths)
        {
            using var response = await Cluster.PostAsync(path, body);
            await AssertRefusalAsync(response, HttpStatusCode.BadRequest, "", 400, "", name);
        }
    }

    [Fact]
    public async Task Object_of_10_MB_is_refused_with_its_uid()
    {
        var pod = Attested().Annotated("big", new string('x', 10_000_000));

        using var response = await Cluster.PostAsync("/validate", AdmissionReviews.Create(pod).ToJsonString());

        await AssertRefusalAsync(response, HttpStatusCode.OK, AdmissionReviews.Uid, 413, "more than 8388608 bytes", "10 MB");
    }

    [Fact]
    public async Task Object_of_7_MB_is_judged()
    {
        var pod = Attested().Annotated("big", new string('x', 7_000_000));

        Assert.True((await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(pod).ToJsonString())).IsAdmitted);
    }

    [Fact]
    public async Task Body_too_long_without_uid_is_refused()
    {
        using var response = await Cluster.PostAsync("/validate", new string(' ', 9_000_000));

        await AssertRefusalAsync(response, HttpStatusCode.RequestEntityTooLarge, "", 413, "more than", "spaces");
    }

    [Fact]
    public async Task Pod_with_5000_containers_is_answered()
    {
        var same = Attested().With("spec.containers", AdmissionReviews.Containers([.. Enumerable.Range(0, 5000).Select(index => ($"c{index}", Ask.Attested))]));
        var distinct = AdmissionReviews.Pod([.. Enumerable.Range(0, 5000).Select(index => $"gcr.io/allowed/nginx:{index}")]);

        Assert.True((await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(same).ToJsonString())).IsAdmitted);
        var view = await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(distinct).ToJsonString());
        Assert.Equal(403, view.Status);
        Assert.Contains("5000 different images are to be judged, more than 500", view.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pod_with_500_images_and_long_annotations_is_judged_and_a_denial_of_all_arrives()
    {
        var fine = AdmissionReviews.Pod([.. Enumerable.Range(0, 500).Select(index => $"gcr.io/allowed/nginx:{index}")]);
        fine = Enumerable.Range(0, 60).Aggregate(fine, (pod, index) => pod.Annotated($"a{index}", new string('x', 4000)));
        var refused = AdmissionReviews.Pod([.. Enumerable.Range(0, 500).Select(index => $"gcr.io/acme/{index}@sha256:{new string('b', 64)}")]);

        var view = await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(fine).ToJsonString());
        var denial = await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(refused).ToJsonString());

        Assert.True(view.IsAdmitted, view.Message);
        Assert.Equal(403, denial.Status);
        Assert.InRange(Encoding.UTF8.GetByteCount(denial.Message), 60_000, 66_000);
        Assert.Matches("\\(cut here: 500 images are refused, [0-9]+ of them are explained in full\\)$", denial.Message);
        Assert.All(denial.Audit.Values, value => Assert.InRange(Encoding.UTF8.GetByteCount(value), 1, 2000));
    }

    [Fact, Trait("attack", "107")]
    public async Task Control_characters_reach_no_message_and_no_warning()
    {
        const string hostile = "gcr.io/acme/api\n\u001b[2J admitted\u202e";
        var pod = AdmissionReviews.Pod(AdmissionReviews.Containers(("c\n0", hostile), ("c1", Ask.Unattested))).With("metadata.name", "we\nb");

        foreach (var adapter in new[] { standard.Enforced, standard.DryRun })
        {
            using var response = await adapter.ApiServer.PostAsync("/validate", AdmissionReviews.Create(pod).With("request.name", "we\nb").ToJsonString());
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            var answer = JsonDocument.Parse(text).RootElement.GetProperty("response");
            Assert.DoesNotContain('\u202e', text);
            var message = answer.TryGetProperty("status", out var status) ? status.GetProperty("message").GetString()! : "";
            Assert.DoesNotContain(message, character => char.IsControl(character) && character != '\n');
            // Nobody else's line: each begins as ours do.
            Assert.DoesNotContain(message.Split('\n'), line => line.StartsWith('\u001b') || line.StartsWith(" admitted", StringComparison.Ordinal));
            if (answer.TryGetProperty("warnings", out var warnings))
            {
                Assert.All(warnings.EnumerateArray(), warning => Assert.DoesNotContain(warning.GetString()!, char.IsControl));
            }
        }
    }

    [Theory]
    [InlineData("image", "\\ud800")]
    [InlineData("name", "\\udc00x")]
    public async Task Half_a_character_is_refused(string field, string text)
    {
        var review = AdmissionReviews.Create(AdmissionReviews.Pod(new JsonArray(new JsonObject { ["name"] = "NAME", ["image"] = "IMAGE" }))).ToJsonString();

        using var response = await Cluster.PostAsync("/validate", review.Replace(field.ToUpperInvariant(), text, StringComparison.Ordinal));

        await AssertRefusalAsync(response, HttpStatusCode.OK, AdmissionReviews.Uid, 400, "is no Unicode text", field);
    }

    [Theory]
    [InlineData("text/plain", null), InlineData("application/x-www-form-urlencoded", null), InlineData(null, null), InlineData("application/json", "gzip")]
    public async Task Another_content_type_is_not_read(string? type, string? encoding)
    {
        foreach (var path in Paths.Append("/imagereview"))
        {
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes(AdmissionReviews.Create(Attested()).ToJsonString()));
            content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);
            if (encoding is not null)
            {
                content.Headers.ContentEncoding.Add(encoding);
            }

            using var response = await Cluster.PostAsync(path, content);
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
            Assert.Contains("is not read", text, StringComparison.Ordinal);
            Assert.Contains("\"allowed\":false", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Slow_body_ends_with_the_timeout()
    {
        var beginning = AdmissionReviews.Create(Attested()).ToJsonString()[..300];
        using var release = new CancellationTokenSource();
        var content = new SlowContent(Encoding.UTF8.GetBytes(beginning), release.Token);
        var started = TimeProvider.System.GetTimestamp();

        using var response = await Cluster.PostAsync("/validate?timeout=3s", content);
        var took = TimeProvider.System.GetElapsedTime(started);
        await AssertRefusalAsync(response, HttpStatusCode.OK, AdmissionReviews.Uid, 504, "of the review arrived within the webhook's timeout", "slow");
        await release.CancelAsync();

        TestContext.Current.TestOutputHelper?.WriteLine($"a body that never ends was answered after {took.TotalMilliseconds:F0} ms of 3000");
        Assert.InRange(took, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
    }

    private static JsonObject Attested() => AdmissionReviews.Pod(Ask.Attested);

    internal static async Task AssertRefusalAsync(HttpResponseMessage response, HttpStatusCode http, string uid, int code, string message, string name)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(http == response.StatusCode, $"{name}: {response.StatusCode} {text}");
        var answer = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("admission.k8s.io/v1", "AdmissionReview"), (answer.GetProperty("apiVersion").GetString(), answer.GetProperty("kind").GetString()));
        var refusal = answer.GetProperty("response");
        Assert.Equal((uid, false, code), (refusal.GetProperty("uid").GetString(), refusal.GetProperty("allowed").GetBoolean(), refusal.GetProperty("status").GetProperty("code").GetInt32()));
        Assert.Contains(message, refusal.GetProperty("status").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.NotEqual("", refusal.GetProperty("status").GetProperty("message").GetString());
        Assert.False(refusal.TryGetProperty("patch", out _));
    }

    /// <summary>A body whose end does not come.</summary>
    private sealed class SlowContent : HttpContent
    {
        private readonly byte[] _beginning;
        private readonly CancellationToken _release;

        public SlowContent(byte[] beginning, CancellationToken release)
        {
            (_beginning, _release) = (beginning, release);
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_beginning, CancellationToken.None);
            await stream.FlushAsync(CancellationToken.None);
            var end = new TaskCompletionSource();
            await using (_release.Register(end.SetResult))
            {
                await end.Task;
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
