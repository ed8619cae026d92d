using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>What the adapter adds to a decision; printed, not promised.</summary>
public sealed class AddedLatencyTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private const int Calls = 200;

    [Fact]
    public async Task Latency_that_is_added_is_printed()
    {
        var review = AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested)).ToJsonString();
        var (direct, through) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var call = -20; call < Calls; call++)
        {
            // In turns: whatever else the machine does weighs on both.
            var asked = await TimeAsync(async () => Assert.Equal(Api.V1.Verdict.Allow, (await standard.Server.AskAsync(Ask.For(Ask.Attested))).Verdict));
            var admitted = await TimeAsync(async () => Assert.True((await standard.Enforced.ApiServer.AdmitAsync("/validate", review)).IsAdmitted));
            if (call >= 0)
            {
                direct.Add(asked);
                through.Add(admitted);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"median and 99th percentile of {Calls}: the service {Of(direct)}, through the adapter {Of(through)}");
    }

    private static string Of(List<TimeSpan> times)
    {
        times.Sort();
        return $"{times[times.Count / 2].TotalMilliseconds:F2} and {times[times.Count * 99 / 100].TotalMilliseconds:F2} ms";
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> action)
    {
        var started = TimeProvider.System.GetTimestamp();
        await action();
        return TimeProvider.System.GetElapsedTime(started);
    }
}
