using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Server.Tests;
using FailMode = PolicyService.Kubernetes.Decisions.FailMode;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>A real service that is there, goes, is slow, and comes back.</summary>
public sealed class OutageTests
{
    private const string DryRun = "name: projects/acme/policy\ndefaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}\n";
    private static readonly AdmissionQuestion Question = new([Ask.Attested], "shop", "app", new AdmissionSubject("Pod", "web", "CREATE", "alice"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Service_decides_while_it_is_there_and_its_posture_when_it_is_gone()
    {
        var server = await TestServer.StartAsync(Documents(DryRun, $"revocations: [{{digest: '{DigestOf(Ask.Unattested)}', reason: r, author: a}}]\n"));
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl);
        await Eventually.Holds("it is heard", () => !adapter.Watch.IsSilent);
        Assert.Equal(AdmissionBasis.Service, (await adapter.DecideAsync(Question)).Basis);

        await server.DisposeAsync();

        Assert.Equal((Admission.AdmittedWithWarning, AdmissionBasis.Posture), await adapter.DecideAsync(Question) is var admitted ? (admitted.Admission, admitted.Basis) : default);
        Assert.Equal(Admission.Refused, (await adapter.DecideAsync(Question with { Images = [Ask.Unattested] })).Admission);
    }

    [Fact, Trait("attack", "33")]
    public async Task Enforced_cluster_admits_nothing_without_its_service()
    {
        var server = await TestServer.StartAsync(LinkedAdapter.Enforced());
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl);
        await Eventually.Holds("it is heard", () => !adapter.Watch.IsSilent);
        Assert.Equal(Admission.Admitted, (await adapter.DecideAsync(Question)).Admission);

        await server.DisposeAsync();

        Assert.Equal(Admission.Refused, (await adapter.DecideAsync(Question)).Admission);
        Assert.Equal(AdmissionBasis.FailMode, (await adapter.DecideAsync(Question with { FailMode = FailMode.Open })).Basis);
        Assert.Contains("decision service", (await adapter.DecideAsync(Question)).Explanation, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "115")]
    public async Task Service_that_swallows_everything_is_late_and_the_answer_is_not()
    {
        using var hole = new TcpListener(IPAddress.Loopback, 0);
        hole.Start();
        await using var adapter = await LinkedAdapter.StartAsync($"http://{hole.LocalEndpoint}");

        foreach (var (mode, admission) in new[] { (FailMode.Closed, Admission.Refused), (FailMode.Open, Admission.AdmittedWithWarning) })
        {
            var started = TimeProvider.System.GetTimestamp();
            var decision = await adapter.DecideAsync(Question with { FailMode = mode }, seconds: 2);
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            TestContext.Current.TestOutputHelper?.WriteLine($"{mode}: answered after {elapsed.TotalMilliseconds:0} ms of 2000");
            Assert.Equal(admission, decision.Admission);
            Assert.True(elapsed < TimeSpan.FromSeconds(10), $"{elapsed}");
        }
    }

    [Fact, Trait("attack", "115")]
    public async Task Deadline_of_a_service_that_is_heard_is_no_outage()
    {
        var sink = new TestSink();
        await using var server = await TestServer.StartAsync(LinkedAdapter.Enforced(), sink: sink, durable: true);
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl);
        await Eventually.Holds("it is heard", () => !adapter.Watch.IsSilent);
        sink.Block();

        var decision = await adapter.DecideAsync(Question with { FailMode = FailMode.Open, IsBreakGlass = true }, seconds: 1);

        Assert.Equal((Admission.Refused, AdmissionBasis.None), (decision.Admission, decision.Basis));
        sink.Unblock();
    }

    [Fact, Trait("attack", "100")]
    public async Task Break_glass_without_a_service_is_reported_when_it_comes()
    {
        using var port = new ReservedPort();
        await using var adapter = await LinkedAdapter.StartAsync(port.Url);
        var question = Question with { IsBreakGlass = true };
        Assert.Equal(AdmissionBasis.BreakGlass, (await adapter.DecideAsync(question)).Basis);
        Assert.Equal(1, adapter.Journal.Lines);

        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), more: ["--Urls:Grpc", port.Url]);

        await Eventually.Holds("it is reported", () => adapter.Journal.Lines == 0);
        var records = (await File.ReadAllLinesAsync(server.Documents.Beside("records.jsonl"), Cancellation)).Select(line => JsonSerializer.Deserialize<JsonElement>(line));
        var record = Assert.Single(records, record => record.TryGetProperty("kind", out var kind) && kind.GetString() == "FINDING");
        Assert.Equal(("BREAK_GLASS", Ask.Attested, "alice"), (record.GetProperty("finding").GetString(), record.GetProperty("image").GetString(), record.GetProperty("user").GetString()));
        await Eventually.Holds("the service decides again", async () => (await adapter.DecideAsync(question)).Basis is AdmissionBasis.Service);
    }

    [Fact]
    public async Task Finding_that_the_service_will_not_have_does_not_hold_up_others()
    {
        using var port = new ReservedPort();
        await using var adapter = await LinkedAdapter.StartAsync(port.Url);
        Finding bad = new() { Id = "no uuid", Image = "a:1", Kind = FindingKind.Posture }, good = new() { Id = Guid.NewGuid().ToString(), Image = "a:1", Kind = FindingKind.Posture, Time = new Timestamp() };
        await adapter.Journal.AddAsync([bad, good], 1, Cancellation);

        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), more: ["--Urls:Grpc", port.Url]);

        await Eventually.Holds("it is reported", () => adapter.Journal.Lines == 0);
        Assert.Contains("no uuid", await File.ReadAllTextAsync(Path.Combine(adapter.Folder, "findings.refused.jsonl"), Cancellation), StringComparison.Ordinal);
        Assert.Contains(good.Id, await File.ReadAllTextAsync(server.Documents.Beside("records.jsonl"), Cancellation), StringComparison.Ordinal);
        using var caller = adapter.NewCaller();
        var page = await caller.GetStringAsync("/metrics", Cancellation);
        Assert.Contains("policyservice_adapter_findings_forwarded_total 1\n", page, StringComparison.Ordinal);
        Assert.Contains("policyservice_adapter_findings_refused_total 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_adapter_reports_what_it_had_admitted()
    {
        var state = Directory.CreateTempSubdirectory("policyservice-test-");
        using var port = new ReservedPort();
        string[] arguments = ["--Service:Url", port.Url, "--Cluster:Name", Ask.Enforced, "--Urls:Webhooks", "http://127.0.0.1:0", "--State:Directory", state.FullName];
        var pod = AdmissionReviews.Pod(Ask.Attested);
        pod["metadata"]!["annotations"] = new System.Text.Json.Nodes.JsonObject { ["image-policy.k8s.io/break-glass"] = "true" };
        await using (var first = await AdapterProcess.StartAsync(arguments))
        {
            using var answer = await first.Http.PostAsync("/validate?timeout=10s", new StringContent(AdmissionReviews.Create(pod).ToJsonString(), Encoding.UTF8, "application/json"), Cancellation);
            Assert.Contains("\"allowed\":true", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
            first.Kill();
        }

        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), more: ["--Urls:Grpc", port.Url]);
        await using var second = await AdapterProcess.StartAsync(arguments);

        await Eventually.Holds("it is reported", async () => (await File.ReadAllTextAsync(server.Documents.Beside("records.jsonl"), Cancellation)).Contains("\"BREAK_GLASS\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Adapter_adds_little()
    {
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl);
        await Eventually.Holds("it is heard", () => !adapter.Watch.IsSilent);
        using var channel = PolicyDecisionChannel.Open(new Uri(server.GrpcUrl));
        var client = new PolicyDecisionService.PolicyDecisionServiceClient(channel);
        var batch = new EvaluateBatchRequest { Requests = { new EvaluateRequest { ImageDigest = Ask.Attested, Cluster = Ask.Enforced, Namespace = "shop", ServiceAccount = "app" } } };
        double[] bare = new double[1000], through = new double[1000];
        for (var round = -200; round < bare.Length; round++)
        {
            var started = Stopwatch.GetTimestamp();
            await client.EvaluateBatchAsync(batch, deadline: TimeProvider.System.GetUtcNow().AddSeconds(30).UtcDateTime, cancellationToken: Cancellation);
            var between = Stopwatch.GetTimestamp();
            await adapter.DecideAsync(Question, 30);
            if (round >= 0)
            {
                (bare[round], through[round]) = (Stopwatch.GetElapsedTime(started, between).TotalMicroseconds, Stopwatch.GetElapsedTime(between).TotalMicroseconds);
            }
        }

        Array.Sort(bare);
        Array.Sort(through);
        TestContext.Current.TestOutputHelper?.WriteLine($"bare EvaluateBatch p50 {bare[500]:0} us, p99 {bare[990]:0} us; DecideAsync p50 {through[500]:0} us, p99 {through[990]:0} us; ratio of p50 {through[500] / bare[500]:0.00}");
    }

    private static string DigestOf(string image) => image[(image.IndexOf('@', StringComparison.Ordinal) + 1)..];

    private static DocumentsFolder Documents(string policy, string options)
    {
        var folder = new DocumentsFolder();
        folder.Write("policy.yaml", policy);
        folder.Write("options.yaml", options);
        return folder;
    }
}
