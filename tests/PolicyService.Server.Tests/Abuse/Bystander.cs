using System.Globalization;
using Grpc.Net.Client;
using PolicyService.Api.V1;
using PolicyService.Server.Tests.Process;

namespace PolicyService.Server.Tests.Abuse;

/// <summary>Somebody who asks as ever while others misbehave, each time over both ports, and watches what the service uses.</summary>
internal sealed class Bystander : IAsyncDisposable
{
    /// <summary>What the collector may use for objects, and as much again for everything else. Beyond the former the service ends.</summary>
    private const long MaxBytes = 1024L * 1024 * 1024;

    private const int MaxThreads = 150;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly ServerProcess _server;
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly (long Bytes, int Threads) _before;
    private readonly List<double> _milliseconds = [];
    private readonly Task _asking;
    private (long Bytes, int Threads) _most;
    private int _answered;

    public Bystander(ServerProcess server)
    {
        (_server, _before) = (server, Usage(server.Id));
        _asking = AskAsync();
    }

    /// <summary>Answers so far; each over both ports.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Waits for so many further answers, while whatever goes on goes on.</summary>
    public async Task AnswersAsync(int more)
    {
        var from = Answered;
        await Eventually.Holds($"{more} answers to others", () =>
        {
            Assert.False(_asking.IsFaulted, _asking.Exception?.ToString());
            return Answered >= from + more;
        });
    }

    /// <summary>Ends, prints what was measured, and looks whether the service stayed within its bounds.</summary>
    public async Task EndAsync(string attack)
    {
        await _stop.CancelAsync();
        await _asking;
        var sorted = _milliseconds.Order().ToArray();
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{attack}; {Answered} answers to others meanwhile, p50 {sorted[sorted.Length / 2]:0.0} ms, worst {sorted[^1]:0} ms; memory {_before.Bytes >> 20} -> {_most.Bytes >> 20} MiB, threads {_before.Threads} -> {_most.Threads}"));
        Assert.InRange(_most.Bytes, 1, MaxBytes);
        Assert.InRange(_most.Threads, 1, MaxThreads);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ((Task)_asking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static (long Bytes, int Threads) Usage(int process)
    {
        var lines = File.ReadAllLines($"/proc/{process}/status");
        return (Number("VmRSS:") * 1024, (int)Number("Threads:"));

        long Number(string name) => long.Parse(lines.Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>New connections each time: whoever holds the old ones must not be in the way of the next caller.</summary>
    private async Task AskAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var started = TimeProvider.System.GetTimestamp();
            using (var channel = GrpcChannel.ForAddress(_server.GrpcUrl))
            using (var http = new HttpClient { BaseAddress = _server.Http.BaseAddress })
            {
                var answer = await new PolicyDecisionService.PolicyDecisionServiceClient(channel).EvaluateAsync(Ask.For(Ask.Unattested), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60));
                Assert.Equal(Verdict.Deny, answer.Verdict);
                using var alive = await http.GetAsync("/healthz/live", CancellationToken.None);
                Assert.True(alive.IsSuccessStatusCode);
            }

            _milliseconds.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            Interlocked.Increment(ref _answered);
            var (bytes, threads) = Usage(_server.Id);
            // Connections that are closed keep their port for a minute: without a pause the machine would run out of them.
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
            _most = (Math.Max(_most.Bytes, bytes), Math.Max(_most.Threads, threads));
        }
    }
}
