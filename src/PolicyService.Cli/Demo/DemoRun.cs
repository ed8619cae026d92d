using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Demo;

/// <summary>The demo from start to end: documents, server, questions, table, and the record of the denial.</summary>
internal static class DemoRun
{
    private const int AsExpected = 0;
    private const int Different = 1;

    public static async Task<int> RunAsync(Terminal terminal, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            using var directory = new TemporaryDirectory();
            var documents = DemoDocuments.Write(directory.Path, time.GetUtcNow());
            return await RunAsync(documents, terminal, time, cancellation);
        }
        catch (DemoException problem)
        {
            terminal.Say($"the demo failed: {problem.Message}");
            foreach (var line in problem.Log)
            {
                terminal.Error.WriteLine($"  {Printable.Line(line)}");
            }

            return Different;
        }
    }

    private static async Task<int> RunAsync(DemoDocuments documents, Terminal terminal, TimeProvider time, CancellationToken cancellation)
    {
        await using var server = await ServerProcess.StartAsync(ServerCommand.Find(documents), time, cancellation);
        var screen = terminal.Screen();
        DemoReport.WriteStart(screen, server.Url);

        var outcomes = await AskAsync(server.Url, DemoQuestion.All(documents), time, cancellation);
        DemoReport.WriteTable(screen, outcomes);

        // The unattested image on the enforced cluster is the one a person would want to mend.
        var denial = outcomes.First(outcome => outcome.Question.IsRemedyShown);
        DemoReport.WriteRemedy(screen, denial);

        // A server that has ended has written every record.
        await server.StopAsync();
        DemoReport.WriteRecord(screen, AuditFile.RecordOf(documents.AuditFile, denial.Response.DecisionId));

        var differences = outcomes.SelectMany(outcome => outcome.Differences()).ToArray();
        foreach (var difference in differences)
        {
            terminal.Say(difference);
        }

        if (differences.Length > 0)
        {
            return Different;
        }

        DemoReport.WriteEnd(screen, outcomes.Count);
        return AsExpected;
    }

    private static async Task<IReadOnlyList<DemoOutcome>> AskAsync(
        Uri url, IReadOnlyList<DemoQuestion> questions, TimeProvider time, CancellationToken cancellation)
    {
        using var channel = PolicyDecisionChannel.Open(url);
        var asker = new Evaluations.Asker(
            new PolicyDecisionService.PolicyDecisionServiceClient(channel), url, TimeSpan.FromSeconds(10), time);
        var outcomes = new List<DemoOutcome>();
        foreach (var question in questions)
        {
            var answers = await asker.AskAsync([question.Request], cancellation);
            outcomes.Add(new DemoOutcome(question, answers[0].Response));
        }

        return outcomes;
    }
}
