using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PolicyService.Api.V1;
using PolicyService.Cli.Tests.Running;
using Outcomes = System.Collections.Generic.Dictionary<string, PolicyService.Api.V1.EvaluateBatchResult>;

namespace PolicyService.Cli.Tests.Verbs;

public sealed class EvaluateTests
{
    private static readonly Outcomes ByImage = new()
    {
        ["allowed"] = Answered(Verdict.Allow, Conformance.Conformant),
        ["dry"] = Answered(Verdict.Dryrun, Conformance.NonConformant),
        ["denied"] = Answered(Verdict.Deny, Conformance.NonConformant),
        ["erred"] = Answered(Verdict.Deny, Conformance.Error),
        ["lost"] = Samples.Failed(StatusCode.Unavailable, "", "overloaded"),
        ["invalid"] = Samples.Invalid,
    };

    [Theory]
    [InlineData(0, "allowed")]
    [InlineData(0, "dry")]
    [InlineData(1, "denied")]
    [InlineData(3, "erred")]
    [InlineData(3, "lost")]
    [InlineData(2, "invalid")]
    [InlineData(0, "allowed", "dry")]
    [InlineData(1, "allowed", "denied", "dry")]
    [InlineData(3, "denied", "erred", "allowed")]
    [InlineData(3, "lost", "denied")]
    [InlineData(2, "denied", "invalid", "erred", "lost")]
    public async Task Exit_code_is_that_of_the_worst_image(int expected, params string[] images)
    {
        await using var server = await ScriptedServer.StartAsync(Scripted);

        var text = await Policyctl.RunAsync(Samples.Evaluate(server, images));
        var json = await Policyctl.RunAsync(Samples.Evaluate(server, [.. images, "-o", "json"]));

        Assert.Equal((expected, expected), (text.ExitCode, json.ExitCode));
    }

    [Fact]
    public async Task Answer_about_another_image_denies()
    {
        await using var server = await ScriptedServer.StartAsync(_ => new EvaluateResponse
        {
            Verdict = Verdict.Allow,
            Conformance = Conformance.Conformant,
            ImageDigest = "another",
        });

        foreach (var images in new string[][] { [Samples.Image], [Samples.Image, "second"] })
        {
            var run = await Policyctl.RunAsync(Samples.Evaluate(server, images));

            Assert.Equal(3, run.ExitCode);
            Assert.StartsWith("DENY", run.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("ALLOW", run.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Batch_with_a_result_missing_counts_for_nothing()
    {
        await using var server = await ScriptedServer.StartAsync(new Script
        {
            Answer = (request, _) => Task.FromResult(Scripted(request)),
            Batch = batch => new EvaluateBatchResponse { Results = { batch.Results.Take(1) } },
        });

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, "allowed", "dry"));

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("answered 1 of 2 images", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unreachable_server_is_one_line_with_url_and_remedy()
    {
        // A port that was ours a moment ago, and is nobody's now.
        var server = await ScriptedServer.StartAsync(Samples.Allow);
        var arguments = Samples.Evaluate(server, Samples.Image);
        var url = server.Url;
        await server.DisposeAsync();

        var run = await Policyctl.RunAsync(arguments);

        Assert.Equal(3, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Equal(
            $"policyctl: {url} cannot be reached (Connection refused): start the server there, or give --server its gRPC address (http://127.0.0.1:50051 by default)",
            Assert.Single(run.ErrorLines));
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task Server_of_something_else_is_one_line(string scheme)
    {
        await using var server = await ScriptedServer.StartAsync((Script?)null, HttpProtocols.Http1);

        var run = await Policyctl.RunAsync("evaluate", "x", "--cluster", "a.b", "--server", server.Url.Replace("http", scheme, StringComparison.Ordinal));

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("cannot be reached (", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_without_the_service_is_one_line()
    {
        await using var server = await ScriptedServer.StartAsync((Script?)null);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image));

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("is no PolicyService", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silent_server_is_left_after_the_timeout()
    {
        await using var server = await ScriptedServer.StartAsync(new Script
        {
            Answer = async (_, context) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.CancellationToken);
                return new EvaluateBatchResult();
            },
        });

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image, "--timeout", "0.5"));

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("did not answer within 0.5 s", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invalid_argument_repeats_what_the_server_says_once()
    {
        await using var server = await ScriptedServer.StartAsync(_ => Samples.Invalid);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image));

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("policyctl: invalid input: image_digest: `x` is not an image", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task Every_option_reaches_the_server()
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Allow);

        await Policyctl.RunAsync(Samples.Evaluate(
            server, Samples.Image, "--namespace", "shop", "--service-account", "web", "--project", "acme",
            "--istio-identity", "spiffe://c/ns/shop/sa/web", "--break-glass", "fire", "--explain"));

        var expected = new EvaluateRequest
        {
            ImageDigest = Samples.Image,
            Cluster = Samples.Cluster,
            Namespace = "shop",
            ServiceAccount = "web",
            Project = "acme",
            IstioIdentity = "spiffe://c/ns/shop/sa/web",
            BreakGlass = new BreakGlass { Justification = "fire" },
            Explain = true,
        };
        Assert.Equal(expected, Assert.Single(server.Script.Requests));
    }

    [Fact]
    public async Task Plain_request_asks_for_no_override()
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Allow);

        await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image));

        Assert.Equal(
            new EvaluateRequest { ImageDigest = Samples.Image, Cluster = Samples.Cluster }, Assert.Single(server.Script.Requests));
        Assert.Empty(server.Script.BatchSizes);
    }

    [Fact]
    public async Task Many_images_go_in_batches_of_500_and_keep_their_order()
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Allow);
        var images = Enumerable.Range(0, 501).Select(number => $"registry.example.com/shop/{number:d3}").ToArray();

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, images));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal([500, 1], server.Script.BatchSizes);
        var lines = run.Text.Split('\n').Where(line => line.StartsWith("ALLOW", StringComparison.Ordinal)).ToArray();
        Assert.Equal(images.Select(image => $"ALLOW  {image}  on {Samples.Cluster}"), lines);
    }

    private static EvaluateBatchResult Scripted(EvaluateRequest request)
    {
        var result = ByImage[request.ImageDigest].Clone();
        if (result.Response is not null)
        {
            result.Response = ScriptedServer.Echo(request, result.Response);
        }

        return result;
    }

    private static EvaluateBatchResult Answered(Verdict verdict, Conformance conformance) => new() { Response = Samples.Of(verdict, conformance) };
}
