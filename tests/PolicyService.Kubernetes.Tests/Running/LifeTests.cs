using System.Net;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Postures;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>How the adapter shows that it lives, and what it tells the cluster.</summary>
public sealed class LifeTests
{
    private static readonly AdmissionQuestion Question = new([Ask.Attested], "shop", "app", new AdmissionSubject("Pod", "web", "CREATE", "alice"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("attack", "116")]
    public async Task Adapter_without_a_service_is_ready_all_the_same()
    {
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1");
        using var caller = adapter.NewCaller();

        await Eventually.Holds("it is ready", async () => await StatusAsync(caller, "/healthz/ready") is HttpStatusCode.OK);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(caller, "/healthz/live"));
        Assert.Contains("policyservice_adapter_service_up 0", await caller.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_that_is_heard_shows_in_the_metrics()
    {
        await using var server = await TestServer.StartAsync(LinkedAdapter.Enforced());
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl);
        using var caller = adapter.NewCaller();
        await Eventually.Holds("it is heard", () => !adapter.Watch.IsSilent);
        await adapter.DecideAsync(Question);
        using var review = await caller.PostAsync("/validate", new StringContent("{}"), Cancellation);

        var page = await caller.GetStringAsync("/metrics", Cancellation);

        foreach (var line in new[]
        {
            "policyservice_adapter_service_up 1\n", "policyservice_adapter_posture_dry_run 0\n", "policyservice_adapter_images_total{admission=\"Admitted\",basis=\"Service\"} 1\n",
            "policyservice_adapter_decision_seconds_count 1\n", "policyservice_adapter_reviews_total{path=\"/validate\"", "policyservice_adapter_journal_findings 0\n",
        })
        {
            Assert.Contains(line, page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Outage_shows_in_the_metrics()
    {
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1");
        using var caller = adapter.NewCaller();
        await adapter.DecideAsync(Question with { IsBreakGlass = true });
        using var review = await caller.PostAsync("/validate", new StringContent("{}"), Cancellation);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, review.StatusCode);

        var page = "";
        await Eventually.Holds("the journal shows", async () => (page = await caller.GetStringAsync("/metrics", Cancellation)).Contains("policyservice_adapter_journal_findings 1\n", StringComparison.Ordinal));
        foreach (var line in new[]
        {
            "policyservice_adapter_service_up 0\n", "policyservice_adapter_posture_dry_run 0\n", "policyservice_adapter_posture_age_seconds -1\n",
            $"policyservice_adapter_journal_bytes {adapter.Journal.Bytes}\n", "policyservice_adapter_images_total{admission=\"AdmittedWithWarning\",basis=\"BreakGlass\"} 1\n",
            "policyservice_adapter_reviews_total{path=\"/validate\",answered=\"false\"} 1\n", "policyservice_adapter_reviews_total{path=\"/validate\",answered=\"true\"} 0\n",
        })
        {
            Assert.Contains(line, page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Dry_run_that_is_known_shows_in_the_metrics_with_its_age()
    {
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, folder) =>
        {
            var posture = new Api.V1.ClusterPosture { Cluster = Ask.Enforced, Enforcement = Api.V1.Enforcement.DryRun, MaxAge = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromHours(2)) };
            new PostureFile(settings with { StateDirectory = folder }, Microsoft.Extensions.Logging.Abstractions.NullLogger<PostureFile>.Instance).Write(new KnownPosture(posture, TimeProvider.System.GetUtcNow().AddHours(-1)));
            return settings;
        });
        using var caller = adapter.NewCaller();

        var page = await caller.GetStringAsync("/metrics", Cancellation);

        Assert.Contains("policyservice_adapter_posture_dry_run 1\n", page, StringComparison.Ordinal);
        Assert.Matches("policyservice_adapter_posture_age_seconds 3[67][0-9][0-9]", page);
    }

    [Fact]
    public async Task Events_tell_that_the_service_is_back()
    {
        await using var cluster = await EventsApi.StartAsync();
        using var port = new ReservedPort();
        await using var adapter = await LinkedAdapter.StartAsync(port.Url, (settings, _) => settings with { WritesEvents = true, EventsApi = cluster.Url });
        await Eventually.Holds("it is lost", () => cluster.Reasons.Contains("ServiceLost"));

        await using var server = await TestServer.StartAsync(LinkedAdapter.Enforced(), more: ["--Urls:Grpc", port.Url]);

        await Eventually.Holds("it is back", () => cluster.Reasons.SequenceEqual(["ServiceLost", "ServiceBack"]));
        Assert.Equal("Normal", cluster.Written.Last().GetProperty("type").GetString());
    }

    [Fact]
    public async Task Stop_says_first_that_it_is_not_ready()
    {
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, _) => settings with { Linger = TimeSpan.FromMinutes(5) });
        using var caller = adapter.NewCaller();
        await Eventually.Holds("it is ready", async () => await StatusAsync(caller, "/healthz/ready") is HttpStatusCode.OK);

        // The time for stopping ends the wait.
        var stopping = adapter.StopAsync();

        await Eventually.Holds("it says so", async () => await StatusAsync(caller, "/healthz/ready") is HttpStatusCode.ServiceUnavailable);
        await stopping;
    }

    [Fact]
    public async Task Events_tell_of_what_was_admitted_without_the_service()
    {
        await using var cluster = await EventsApi.StartAsync();
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, _) => settings with { WritesEvents = true, EventsApi = cluster.Url });

        for (var index = 0; index < 3; index++)
        {
            await adapter.DecideAsync(Question with { IsBreakGlass = true });
            await adapter.DecideAsync(Question with { FailMode = FailMode.Open });
        }

        await Eventually.Holds("they are written", () => cluster.Reasons.Order().SequenceEqual(["BreakGlass", "FailedOpen", "ServiceLost"]));
        var written = cluster.Written.First(one => one.GetProperty("reason").GetString() == "BreakGlass");
        Assert.Contains("break-glass", written.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.Equal(("Warning", "Pod"), (written.GetProperty("type").GetString(), written.GetProperty("regarding").GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task Events_that_cannot_be_written_are_counted_and_matter_to_nothing()
    {
        await using var cluster = await EventsApi.StartAsync();
        cluster.Fails = true;
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, _) => settings with { WritesEvents = true, EventsApi = cluster.Url });
        using var caller = adapter.NewCaller();

        Assert.Equal(AdmissionBasis.BreakGlass, (await adapter.DecideAsync(Question with { IsBreakGlass = true })).Basis);

        await Eventually.Holds("it is counted", async () => (await caller.GetStringAsync("/metrics", Cancellation)).Contains("policyservice_adapter_event_failures_total 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Events_api_that_answers_no_json_does_not_end_the_adapter()
    {
        await using var cluster = await EventsApi.StartAsync();
        cluster.IsGarbled = true;
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, _) => settings with { WritesEvents = true, EventsApi = cluster.Url });
        using var caller = adapter.NewCaller();

        await adapter.DecideAsync(Question with { IsBreakGlass = true });
        await adapter.DecideAsync(Question with { FailMode = FailMode.Open });

        await Eventually.Holds("both are counted", async () =>
        {
            var page = await caller.GetStringAsync("/metrics", Cancellation);
            return page.Contains("policyservice_adapter_event_failures_total 2", StringComparison.Ordinal) || page.Contains("policyservice_adapter_event_failures_total 3", StringComparison.Ordinal);
        });
    }

    [Fact, Trait("attack", "107")]
    public async Task Note_of_an_event_is_no_longer_than_the_api_takes()
    {
        await using var cluster = await EventsApi.StartAsync();
        await using var adapter = await LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, _) => settings with { WritesEvents = true, EventsApi = cluster.Url });

        await adapter.DecideAsync(Question with { Images = [new string('\u00e9', 500)], IsBreakGlass = true });

        await Eventually.Holds("it is written", () => cluster.Reasons.Contains("BreakGlass"));
        var note = cluster.Written.First(one => one.GetProperty("reason").GetString() == "BreakGlass").GetProperty("note").GetString()!;
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(note), 900, 1024);
    }

    [Fact]
    public async Task Process_ends_well_when_it_is_told_to()
    {
        var state = Directory.CreateTempSubdirectory("policyservice-test-");
        await using var adapter = await AdapterProcess.StartAsync(
            ["--Service:Url", "http://127.0.0.1:1", "--Cluster:Name", Ask.Enforced, "--Urls:Webhooks", "http://127.0.0.1:0", "--State:Directory", state.FullName]);

        Assert.Equal(0, await adapter.StopAsync());
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient caller, string path)
    {
        using var response = await caller.GetAsync(path, Cancellation);
        return response.StatusCode;
    }
}
