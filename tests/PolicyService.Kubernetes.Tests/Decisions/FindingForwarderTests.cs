using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Findings;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>What waits in the journal leaves it when the service has said so of each finding, and in no other way.</summary>
public sealed class FindingForwarderTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Answers after which nothing counts as recorded.</summary>
    public static TheoryData<string> Unusable => ["fails", "too few", "too many", "none", "other id", "other order"];

    [Theory, MemberData(nameof(Unusable)), Trait("attack", "100")]
    public async Task Finding_stays_until_the_service_has_it_and_keeps_its_id(string how)
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        await bench.Journal.AddAsync([New(), New()], 1, Cancellation);
        var (asked, before) = (0, -1);
        bench.Service.Watch.Report = request =>
        {
            if (Interlocked.Increment(ref asked) > 1)
            {
                before = bench.Journal.Lines;
                return ScriptedWatch.Recorded(request);
            }

            var answer = ScriptedWatch.Recorded(request);
            return how switch
            {
                "fails" => throw new RpcException(new Status(StatusCode.Unavailable, "the test says so")),
                "too few" => new ReportFindingsResponse { Results = { answer.Results[0] } },
                "too many" => new ReportFindingsResponse { Results = { answer.Results, answer.Results[0] } },
                "none" => new ReportFindingsResponse(),
                "other id" => new ReportFindingsResponse { Results = { answer.Results[0], new FindingResult { Id = Guid.NewGuid().ToString() } } },
                _ => new ReportFindingsResponse { Results = { answer.Results.Reverse() } },
            };
        };

        await ForwardAsync(bench);

        Assert.Equal(2, before);
        Assert.Equal(2, bench.Service.Watch.Reported.Count);
        Assert.Equal(bench.Service.Watch.Reported.First().Findings, bench.Service.Watch.Reported.Last().Findings);
        Assert.Equal(2, bench.Metrics.Forwarded.Value);
    }

    [Fact]
    public async Task Line_that_is_no_finding_is_kept_aside_and_the_others_are_reported()
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        var finding = New();
        await bench.Journal.AddAsync([finding], 1, Cancellation);
        bench.Journal.Dispose();
        await File.AppendAllTextAsync(Path.Combine(bench.Folder, "findings.jsonl"), "{\"id\": \"cut", Cancellation);
        using var journal = new FindingJournal(bench.Settings, NullLogger<FindingJournal>.Instance);
        var asked = 0;
        bench.Service.Watch.Report = request => Interlocked.Increment(ref asked) > 2 ? ScriptedWatch.Recorded(request) : throw new RpcException(new Status(StatusCode.Unavailable, "the test says so"));

        await ForwardAsync(bench, journal);

        // Once, however often the report was tried.
        Assert.All(bench.Service.Watch.Reported, report => Assert.Equal(finding.Id, Assert.Single(report.Findings).Id));
        Assert.Equal("{\"id\": \"cut\n", await File.ReadAllTextAsync(Refused(bench), Cancellation));
        Assert.Equal((1, 1), (bench.Metrics.RefusedByService.Value, bench.Metrics.Forwarded.Value));
    }

    [Fact]
    public async Task Refused_findings_do_not_fill_the_disk()
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        await using (var full = new FileStream(Refused(bench), FileMode.Create))
        {
            full.SetLength(16 * 1024 * 1024);
        }

        await bench.Journal.AddAsync([New()], 1, Cancellation);
        bench.Service.Watch.Report = request => new ReportFindingsResponse { Results = { request.Findings.Select(finding => new FindingResult { Id = finding.Id, Problem = "image: the test says so" }) } };

        await ForwardAsync(bench);

        Assert.Equal(16 * 1024 * 1024, new FileInfo(Refused(bench)).Length);
        Assert.Equal((1, 0), (bench.Metrics.RefusedByService.Value, bench.Metrics.Forwarded.Value));
    }

    private static string Refused(Bench bench) => Path.Combine(bench.Folder, "findings.refused.jsonl");

    private static async Task ForwardAsync(Bench bench, FindingJournal? journal = null)
    {
        journal ??= bench.Journal;
        using var forwarder = new FindingForwarder(journal, bench.Service.Watch, bench.Settings, bench.Watch, bench.Metrics, bench.Time, NullLogger<FindingForwarder>.Instance);
        await forwarder.StartAsync(Cancellation);
        await Eventually.Holds("all is reported", () =>
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(100));
            return journal.Lines == 0;
        });
        await forwarder.StopAsync(Cancellation);
    }

    private static Finding New() => new() { Id = Guid.NewGuid().ToString(), Image = "a:1", Kind = FindingKind.BreakGlass };
}
