using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>How long the last word of the service is relied on, and that it is asked anew.</summary>
public sealed class ServiceWatchTests
{
    [Fact, Trait("attack", "115")]
    public async Task Stream_of_a_replica_that_vanished_is_opened_anew()
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        Assert.Equal(1, bench.Service.Watch.Opened);

        // The stream never ends by itself. The pause before the next one may begin after a step.
        await Eventually.Holds("it is opened anew", () =>
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            return bench.Service.Watch.Opened > 1;
        });

        Assert.True(bench.Watch.IsSilent);
        await bench.HearAsync(Bench.DryRun);
        Assert.False(bench.Watch.IsSilent);
    }

    [Fact]
    public async Task Stream_that_is_heard_stays_open()
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        for (var second = 0; second < 60; second += 5)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(5));
            await bench.HearAsync(Bench.Posture(Enforcement.Enforced));
        }

        Assert.Equal(1, bench.Service.Watch.Opened);
    }

    [Fact, Trait("attack", "104")]
    public async Task Posture_on_disk_is_at_most_a_minute_old_and_never_another_one()
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        var first = bench.Time.GetUtcNow();
        await OnDiskAsync(bench, Enforcement.DryRun, first);
        bench.Time.Advance(TimeSpan.FromSeconds(10));
        await bench.HearAsync(Bench.DryRun);
        bench.Time.Advance(TimeSpan.FromSeconds(10));
        await bench.HearAsync(Bench.DryRun);
        // The second was written, if at all, before the third was heard.
        Assert.Equal(first, bench.NewWatch().Posture!.HeardAt);

        await bench.HearAsync(Bench.Posture(Enforcement.Enforced));
        await OnDiskAsync(bench, Enforcement.Enforced, bench.Time.GetUtcNow());

        for (var step = 0; step < 6; step++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(10));
            await bench.HearAsync(Bench.Posture(Enforcement.Enforced));
        }

        await OnDiskAsync(bench, Enforcement.Enforced, bench.Time.GetUtcNow());
    }

    private static Task<TimeSpan> OnDiskAsync(Bench bench, Enforcement enforcement, DateTimeOffset heardAt) => Eventually.Holds(
        "it is on disk", () => bench.NewWatch().Posture is { } posture && posture.Message.Enforcement == enforcement && posture.HeardAt == heardAt);
}
