using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class MetricsTests
{
    [Fact]
    public async Task Decisions_are_counted_by_verdict_reason_and_project()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        await server.AskAsync(Ask.For(Ask.Attested));
        await server.AskAsync(Ask.For(Ask.Unattested));
        await server.AskAsync(Ask.For(Ask.Unattested));
        await server.AskAsync(Ask.For(Ask.Unattested, Ask.DryRun));
        await server.RefusalAsync(Ask.For("a b"));

        var metrics = await server.MetricsAsync();

        Assert.Equal(4, metrics.Sum("policyservice_decisions_total"));
        Assert.Equal(1, metrics.Sum("policyservice_decisions_total", "verdict=\"ALLOW\"", "reason=\"ATTESTED\"", "project=\"acme\""));
        Assert.Equal(2, metrics.Sum("policyservice_decisions_total", "verdict=\"DENY\"", "reason=\"DENIED_BY_ATTESTOR\"", "project=\"acme\""));
        Assert.Equal(1, metrics.Sum("policyservice_decisions_total", "verdict=\"DRYRUN\"", "reason=\"DENIED_BY_ATTESTOR\"", "project=\"acme\""));
        Assert.Equal(4, metrics.Sum("policyservice_decision_seconds_count"));
        await Eventually.Holds("all are recorded", async () => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"written\"") == 4);
    }

    /// <summary>ATTACKS 98.</summary>
    [Fact]
    public async Task No_label_takes_a_callers_text()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        await AskManyAsync(server, 10);
        var before = (await server.MetricsAsync()).Series.Select(Name).ToArray();

        await AskManyAsync(server, 1_000);

        var page = await server.MetricsAsync();
        Assert.Equal(before, page.Series.Select(Name).ToArray());
        Assert.Equal(1_010, page.Sum("policyservice_decisions_total", "reason=\"NO_POLICY\"", "project=\"none\""));
        Assert.Equal(1_010, page.Sum("policyservice_decisions_total", "reason=\"DENIED_BY_ATTESTOR\"", "project=\"acme\""));

        static string Name(string line) => line[..line.LastIndexOf(' ')];
    }

    [Fact]
    public async Task Age_of_the_documents_counts_from_the_last_reading()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), time);

        // Before the first decision too.
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(0.25, (await server.MetricsAsync()).Sum("policyservice_snapshot_age_seconds"), 3);

        await Eventually.Holds("the documents are read again", async () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(500));
            return (await server.MetricsAsync()).Sum("policyservice_snapshot_age_seconds") < 0.5;
        });
    }

    private static async Task AskManyAsync(TestServer server, int count)
    {
        var batch = new EvaluateBatchRequest();
        for (var index = 0; index < count; index++)
        {
            var project = Ask.For($"gcr.io/a{index}/b:{Guid.NewGuid():n}", $"l{index}.c{Guid.NewGuid():n}");
            project.Project = $"p{Guid.NewGuid():n}";
            project.Namespace = $"n{index}";
            project.ServiceAccount = $"s{index}";
            batch.Requests.Add(project);
            batch.Requests.Add(Ask.For($"gcr.io/a{index}/b:{Guid.NewGuid():n}", $"l{index}.c{Guid.NewGuid():n}"));
            if (batch.Requests.Count == 500 || index == count - 1)
            {
                var response = await server.Client.EvaluateBatchAsync(batch, cancellationToken: TestContext.Current.CancellationToken);
                Assert.All(response.Results, result => Assert.Equal(Verdict.Deny, result.Response.Verdict));
                batch.Requests.Clear();
            }
        }
    }
}
