using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>One call of a webhook, whatever goes wrong inside: the cluster gets an answer that it can take.</summary>
public sealed class ExchangeTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private const string Tagged = "gcr.io/acme/api:v1";

    [Fact]
    public async Task Fault_of_ours_is_a_refusal_with_a_message_and_stands_in_the_log()
    {
        await using var adapter = await StartAsync(() => throw new InvalidOperationException("a fault of the test"));

        var view = await adapter.ApiServer.AdmitAsync("/mutate", AdmissionReviews.Create(AdmissionReviews.Pod(Tagged)).ToJsonString(), FailurePolicy.Ignore);

        Assert.Equal(500, view.Status);
        Assert.EndsWith("the adapter failed while it judged this object: its log says more", view.Message, StringComparison.Ordinal);
        Assert.Contains(adapter.Log.Lines, line => line.StartsWith("Error A review at /mutate could not be judged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_never_ends_is_refused_within_the_timeout()
    {
        await using var adapter = await StartAsync(() => new TaskCompletionSource<ResolveImageResponse>().Task);
        var started = TimeProvider.System.GetTimestamp();

        var view = await adapter.ApiServer.AdmitAsync("/mutate", AdmissionReviews.Create(AdmissionReviews.Pod(Tagged)).ToJsonString(), timeout: 3);

        var took = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"answered after {took.TotalMilliseconds:F0} ms of 3000");
        Assert.Equal(504, view.Status);
        Assert.Contains("no decision within the webhook's timeout of 3 s", view.Message, StringComparison.Ordinal);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Theory]
    [InlineData("the digest of another image", "gcr.io/acme/web:v1@DIGEST", "DIGEST")]
    [InlineData("another tag", "gcr.io/acme/api:v2@DIGEST", "DIGEST")]
    [InlineData("no digest", "gcr.io/acme/api:v1", "")]
    [InlineData("another digest", "gcr.io/acme/api:v1@DIGEST", "sha256:00")]
    [InlineData("nothing", "", "")]
    public async Task Answer_about_something_else_pins_nothing(string name, string image, string digest)
    {
        var real = "sha256:" + new string('a', 64);
        await using var adapter = await StartAsync(() => Task.FromResult(new ResolveImageResponse
        {
            ImageDigest = image.Replace("DIGEST", real, StringComparison.Ordinal),
            Digest = digest.Replace("DIGEST", real, StringComparison.Ordinal),
        }));

        var view = await adapter.ApiServer.AdmitAsync("/mutate", AdmissionReviews.Create(AdmissionReviews.Pod(Tagged)).ToJsonString());

        Assert.True(view.IsAdmitted && view.Patch is null, name);
        Assert.Contains("the service's answer is about something else", Assert.Single(view.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Older_HTTP_is_served_alike()
    {
        foreach (var (review, allowed) in new[] { (AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested)), true), (AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested).Annotated("big", new string('x', 10_000_000))), false) })
        {
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes(review.ToJsonString()));
            content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/json");

            using var response = await standard.Enforced.ApiServer.PostAsync("/validate", content, version: HttpVersion.Version11);

            Assert.Equal((HttpStatusCode.OK, HttpVersion.Version11), (response.StatusCode, response.Version));
            var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("response");
            Assert.Equal((AdmissionReviews.Uid, allowed), (answer.GetProperty("uid").GetString(), answer.GetProperty("allowed").GetBoolean()));
        }
    }

    [Fact]
    public async Task Webhooks_are_posts()
    {
        foreach (var path in new[] { "/validate", "/validate/fail-open", "/imagereview", "/mutate" })
        {
            Assert.Equal(HttpStatusCode.MethodNotAllowed, await standard.Enforced.ApiServer.GetAsync(path));
        }
    }

    private Task<TestAdapter> StartAsync(Func<Task<ResolveImageResponse>> answer) => TestAdapter.StartAsync(
        standard.Server.GrpcUrl,
        settings => settings with { PinsTags = true },
        services => services.AddSingleton(new ClusterService.ClusterServiceClient(new Invoker(answer))));

    /// <summary>A connection that answers as the test says, and looks at no deadline.</summary>
    private sealed class Invoker(Func<Task<ResolveImageResponse>> answer) : CallInvoker
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            new((Task<TResponse>)(object)answer(), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            throw new NotSupportedException();

        // Nobody tells of changes here.
        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            throw new RpcException(new Status(StatusCode.Unavailable, "no stream"));

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            throw new NotSupportedException();
    }
}
