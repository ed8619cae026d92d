using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core.Access;
using PolicyService.Server.Access;
using PolicyService.Server.Tests.Access;

namespace PolicyService.Server.Tests.Clusters;

/// <summary>What adapters report is on disk before the answer, and what cannot be recorded spoils nothing else.</summary>
public sealed class ReportFindingsTests
{
    private const string Cluster = "dc1.edge";
    private static readonly DateTimeOffset Then = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A finding's flaw, by the field that has it.</summary>
    public static TheoryData<string> Flaws => ["id", "no id", "braced id", "time", "no time", "nanos", "kind", "other kind", "image", "no image", "namespace", "service_account", "object_kind", "object_name", "operation", "user", "cause"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Findings_are_recorded_before_the_answer()
    {
        using var sink = new TestSink();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), sink: sink);
        var finding = New(FindingKind.BreakGlass);

        var response = await ReportAsync(server, finding, New(FindingKind.Refused));

        Assert.Equal(["", ""], response.Results.Select(result => result.Problem));
        Assert.Equal(finding.Id, response.Results[0].Id);
        Assert.Equal(2, sink.Durable);
        var record = JsonSerializer.Deserialize<JsonElement>(sink.Lines.Single(line => line.Contains(finding.Id, StringComparison.Ordinal)));
        string[] want =
        [
            "FINDING", "BREAK_GLASS", Cluster, "acme", "r.example/a:1", "shop", "app", "Pod", "web-1", "CREATE", "alice\n\u001b[31m", "UNAVAILABLE", "anonymous",
        ];
        Assert.Equal(want, new[] { "kind", "finding", "cluster", "project", "image", "namespace", "serviceAccount", "objectKind", "objectName", "operation", "user", "cause", "caller" }.Select(name => record.GetProperty(name).GetString()));
        Assert.Equal(Then, record.GetProperty("time").GetDateTimeOffset());
        Assert.True(record.TryGetProperty("reportedAt", out _));
        Assert.False(record.TryGetProperty("granted", out _));
        Assert.Contains("policyservice_findings_total{kind=\"BREAK_GLASS\"} 1", await server.Http.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Flaws))]
    public async Task Flawed_finding_spoils_no_other(string flaw)
    {
        using var sink = new TestSink();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), sink: sink);
        var good = New(FindingKind.Posture);

        var response = await ReportAsync(server, Flawed(flaw), good);

        var field = flaw.Split(' ')[^1] is "nanos" ? "time" : flaw.Split(' ')[^1];
        Assert.StartsWith($"{field}: ", response.Results[0].Problem, StringComparison.Ordinal);
        Assert.Equal(field == "id", response.Results[0].Id.Length == 0);
        Assert.Equal((good.Id, ""), (response.Results[1].Id, response.Results[1].Problem));
        Assert.Contains(good.Id, Assert.Single(sink.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finding_at_every_limit_is_taken()
    {
        using var sink = new TestSink();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), sink: sink);
        var (most, shorter) = (new string('x', 1024), new string('x', 256));
        Finding full = new(New(FindingKind.Posture)) { Image = most, Namespace = shorter, ServiceAccount = shorter, ObjectKind = shorter, ObjectName = most, Operation = shorter, User = most, Cause = most };
        Finding first = new(full) { Time = Timestamp.FromDateTimeOffset(DateTimeOffset.MinValue) }, last = new(full) { Time = Timestamp.FromDateTimeOffset(DateTimeOffset.MaxValue) };
        Finding bare = new() { Id = Guid.NewGuid().ToString(), Time = new Timestamp(), Kind = FindingKind.Refused, Image = "a:1" };

        Assert.All((await ReportAsync(server, full, first, last, bare)).Results, result => Assert.Equal("", result.Problem));
        Assert.Equal(4, sink.Durable);
    }

    [Fact]
    public async Task Answer_waits_for_the_record()
    {
        using var sink = new TestSink();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), sink: sink);
        sink.FailsToFlush = true;

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => ReportAsync(server, New(FindingKind.BreakGlass)))).StatusCode);
    }

    [Fact]
    public async Task Findings_cost_what_images_cost()
    {
        await using var server = await TestCallers.StartAsync(new CallerQuotas(new CallerLimits(0.001, 10, 10, 10), []));
        var client = new ClusterService.ClusterServiceClient(server.Channel);
        var report = new ReportFindingsRequest { Cluster = Cluster, Findings = { Enumerable.Range(0, 8).Select(_ => New(FindingKind.Posture)) } };

        await client.ReportFindingsAsync(report, TestCallers.As("one"), cancellationToken: Cancellation);

        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () => await client.ReportFindingsAsync(report, TestCallers.As("one"), cancellationToken: Cancellation))).StatusCode);
        report.Findings.Clear();
        report.Findings.Add(New(FindingKind.Posture));
        await client.ReportFindingsAsync(report, TestCallers.As("one"), cancellationToken: Cancellation);
    }

    [Fact]
    public async Task Findings_that_cannot_be_recorded_are_not_taken()
    {
        using var sink = new TestSink { Fails = true };
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), sink: sink);

        var refused = await Assert.ThrowsAsync<RpcException>(() => ReportAsync(server, New(FindingKind.BreakGlass)));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Empty(sink.Lines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Too_many_findings_are_refused(bool withTimes)
    {
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"));
        Finding[] findings = [.. Enumerable.Range(0, 501).Select(_ => New(FindingKind.Refused))];
        if (!withTimes)
        {
            Array.ForEach(findings, finding => finding.Time = null);
        }

        Assert.All((await ReportAsync(server, findings[..500])).Results, result => Assert.Equal(withTimes, result.Problem.Length == 0));
        var refused = await Assert.ThrowsAsync<RpcException>(() => ReportAsync(server, findings));
        Assert.Equal((StatusCode.InvalidArgument, "findings: more than 500: report them in several messages"), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task Parts_are_counted_before_they_are_made()
    {
        // Two bytes each.
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"));
        var bytes = new byte[4_000_000];
        for (var index = 0; index < bytes.Length; index += 2)
        {
            bytes[index] = 0x1A;
        }

        var raw = Marshallers.Create<byte[]>(value => value, value => value);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "policyservice.v1.ClusterService", "ReportFindings", raw, raw);
        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(cancellationToken: Cancellation), bytes);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((StatusCode.InvalidArgument, true), (refused.StatusCode, refused.Status.Detail.Contains("more than 500", StringComparison.Ordinal)));
    }

    [Fact, Trait("attack", "33")]
    public async Task Caller_reports_of_its_clusters_only()
    {
        await using var access = await AccessServer.StartAsync("evaluators:\n- members: [\"group:edge\"]\n  clusters: [dc1.edge]\n", documents: DocumentsFolder.Fixed("ALWAYS_DENY"));

        await ReportAsAsync(access, "group:edge", Cluster, New(FindingKind.Refused));

        foreach (var (members, cluster) in new[] { ("group:edge", "dc2.other"), ("group:nobody", Cluster) })
        {
            Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => ReportAsAsync(access, members, cluster, New(FindingKind.Refused)))).StatusCode);
        }

        Assert.Single(access.Records("FINDING"));
    }

    [Fact, Trait("attack", "100")]
    public async Task Break_glass_of_a_caller_without_the_grant_is_recorded_as_such()
    {
        await using var access = await AccessServer.StartAsync(
            "evaluators:\n- {members: [\"group:edge\"], clusters: [dc1.edge]}\n- {members: [\"group:granted\"], clusters: [dc1.edge], may: [BREAK_GLASS]}\n", documents: DocumentsFolder.Fixed("ALWAYS_DENY"));

        await ReportAsAsync(access, "group:edge", Cluster, New(FindingKind.BreakGlass));
        await ReportAsAsync(access, "group:edge", Cluster, New(FindingKind.Posture));
        await ReportAsAsync(access, "group:granted", Cluster, New(FindingKind.BreakGlass));

        Assert.Equal([true, false, false], access.Records("FINDING").Select(record => record.TryGetProperty("granted", out var granted) && !granted.GetBoolean()));
    }

    private static Finding New(FindingKind kind) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Time = Timestamp.FromDateTimeOffset(Then),
        Kind = kind,
        Image = "r.example/a:1",
        Namespace = "shop",
        ServiceAccount = "app",
        ObjectKind = "Pod",
        ObjectName = "web-1",
        Operation = "CREATE",
        User = "alice\n\u001b[31m",
        Cause = "UNAVAILABLE",
    };

    private static Finding Flawed(string flaw)
    {
        var finding = New(FindingKind.Posture);
        var tooLong = new string('x', 1025);
        _ = flaw switch
        {
            "id" => finding.Id = "x",
            "no id" => finding.Id = "",
            "braced id" => finding.Id = $"{{{Guid.NewGuid()}}}",
            "time" => (finding.Time = new Timestamp { Seconds = long.MaxValue }).Seconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
            "nanos" => (finding.Time = new Timestamp { Nanos = -1 }).Nanos.ToString(System.Globalization.CultureInfo.InvariantCulture),
            "no time" => (finding.Time = null)?.ToString() ?? "",
            "kind" => (finding.Kind = FindingKind.Unspecified).ToString(),
            "other kind" => (finding.Kind = (FindingKind)77).ToString(),
            "image" => finding.Image = tooLong,
            "no image" => finding.Image = "",
            "namespace" => finding.Namespace = tooLong[..257],
            "service_account" => finding.ServiceAccount = tooLong[..257],
            "object_kind" => finding.ObjectKind = tooLong[..257],
            "object_name" => finding.ObjectName = tooLong,
            "operation" => finding.Operation = tooLong[..257],
            "user" => finding.User = tooLong,
            _ => finding.Cause = tooLong,
        };
        return finding;
    }

    private static async Task<ReportFindingsResponse> ReportAsync(TestServer server, params Finding[] findings) =>
        await new ClusterService.ClusterServiceClient(server.Channel).ReportFindingsAsync(new ReportFindingsRequest { Cluster = Cluster, Findings = { findings } }, cancellationToken: Cancellation);

    private static async Task<ReportFindingsResponse> ReportAsAsync(AccessServer access, string members, string cluster, Finding finding) =>
        await new ClusterService.ClusterServiceClient(access.Server.Channel).ReportFindingsAsync(
            new ReportFindingsRequest { Cluster = cluster, Findings = { finding } }, new Metadata { { AccessServer.Header, members } }, cancellationToken: Cancellation);
}
