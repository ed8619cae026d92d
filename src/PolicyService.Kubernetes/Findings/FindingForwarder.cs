using Google.Protobuf;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Postures;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Findings;

/// <summary>Reports what waits in the journal to the service, in order, and removes what it acknowledged.</summary>
internal sealed partial class FindingForwarder(
    FindingJournal journal, ClusterService.ClusterServiceClient client, AdapterSettings settings, ServiceWatch watch, AdapterMetrics metrics, TimeProvider time, ILogger<FindingForwarder> logger)
    : BackgroundService
{
    /// <summary>As many as one report may have (<c>ReportFindings</c>), and no more bytes than its message may.</summary>
    private const int MaxFindings = 500;
    private const int MaxBytes = 2 * 1024 * 1024;

    /// <summary>Bytes of findings that the service will not have; more are not kept.</summary>
    private const long MaxRefusedBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Findings cost the service's limits what images cost, and decisions come first.</summary>
    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan StopInterval = TimeSpan.FromMilliseconds(100);

    private readonly string _refused = Path.Combine(settings.StateDirectory ?? "", "findings.refused.jsonl");

    /// <summary>Goes on reporting for a while: the journal ends with the pod (docs/kubernetes.md).</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (journal.Lines > 0 && time.GetElapsedTime(started) < settings.ForwardTime && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(StopInterval, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (journal.Lines > 0)
        {
            LogLeft(logger, journal.Lines);
        }

        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = FirstPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            var (grown, heard) = (journal.NextGrowth, watch.NextHeard);
            try
            {
                while (await ForwardAsync(stoppingToken))
                {
                    pause = FirstPause;
                    await Task.Delay(BetweenReports, time, stoppingToken);
                }

                await grown.WaitAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            // Whatever it is, a file that somebody cut too: an exception that leaves this service ends the adapter.
            catch (Exception exception)
            {
                LogWaiting(logger, journal.Lines, exception is RpcException { Status: var status } ? $"{status.StatusCode}: {PlainWords.Line(status.Detail, 300)}" : exception.Message);
                await Task.WhenAny(heard, Task.Delay(pause * (0.5 + (Random.Shared.NextDouble() / 2)), time, stoppingToken));
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                // One that is heard and refuses is not asked without end.
                await Task.Delay(FirstPause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <returns>Something was removed, and there is more.</returns>
    private async Task<bool> ForwardAsync(CancellationToken stopping)
    {
        var (lines, end) = await journal.ReadAsync(MaxFindings, MaxBytes, stopping);
        if (lines.Count == 0)
        {
            return false;
        }

        var request = new ReportFindingsRequest { Cluster = settings.Cluster, Project = settings.Project };
        var unreadable = new List<string>();
        foreach (var line in lines)
        {
            if (TryParse(line, out var finding))
            {
                request.Findings.Add(finding);
            }
            else
            {
                unreadable.Add(line);
            }
        }

        if (request.Findings.Count > 0)
        {
            await ReportAsync(request, stopping);
        }

        // Not before: what is not acknowledged is read again, however long the service stays away.
        unreadable.ForEach(line => Refuse(line, "it is no finding: a crash may have cut it"));
        await journal.AcknowledgeAsync(lines.Count, end, stopping);
        return journal.Lines > 0;
    }

    private async Task ReportAsync(ReportFindingsRequest request, CancellationToken stopping)
    {
        var response = await client.ReportFindingsAsync(request, deadline: (time.GetUtcNow() + CallTime).UtcDateTime, cancellationToken: stopping);
        if (response.Results.Count != request.Findings.Count)
        {
            throw new IOException("the service did not answer for each finding");
        }

        // All of it first: what is not for these findings says nothing about any of them.
        if (request.Findings.Zip(response.Results).Any(pair => pair.Second.Problem.Length == 0 && pair.Second.Id != pair.First.Id))
        {
            throw new IOException("the service answered for another finding");
        }

        foreach (var (finding, result) in request.Findings.Zip(response.Results))
        {
            if (result.Problem.Length > 0)
            {
                Refuse(JsonFormatter.Default.Format(finding), result.Problem);
            }
            else
            {
                metrics.Forwarded.Inc();
            }
        }
    }

    private static bool TryParse(string line, out Finding finding)
    {
        try
        {
            finding = Finding.Parser.ParseJson(line);
            return finding.Id.Length > 0;
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidJsonException or FormatException or OverflowException or ArgumentException)
        {
            finding = new Finding();
            return false;
        }
    }

    private void Refuse(string line, string problem)
    {
        LogRefused(logger, PlainWords.Line(line, 1000), PlainWords.Line(problem, 300));
        metrics.RefusedByService.Inc();
        if (!File.Exists(_refused) || new FileInfo(_refused).Length + line.Length <= MaxRefusedBytes)
        {
            File.AppendAllText(_refused, line + "\n");
        }
    }

    [LoggerMessage(3241, LogLevel.Warning, "{Count} findings wait: the service does not take them ({Status})")]
    private static partial void LogWaiting(ILogger logger, int count, string status);

    [LoggerMessage(3243, LogLevel.Error, "{Count} findings are left in the journal: they are reported only if an adapter starts with this directory")]
    private static partial void LogLeft(ILogger logger, int count);

    [LoggerMessage(3242, LogLevel.Error, "The service will not have a finding: {Problem}: {Finding}")]
    private static partial void LogRefused(ILogger logger, string finding, string problem);
}
