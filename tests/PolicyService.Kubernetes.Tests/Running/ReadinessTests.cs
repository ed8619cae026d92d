using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Running;
using PolicyService.Kubernetes.Tests.Decisions;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>When calls should come.</summary>
public sealed class ReadinessTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Adapter_is_ready_when_the_service_is_heard()
    {
        await using var bench = await Bench.StartAsync();
        using var readiness = new Readiness(bench.Watch, bench.Settings, bench.Time);
        await readiness.StartAsync(Cancellation);
        // It looks at nothing else meanwhile: what it waits for has not happened.
        await Eventually.Holds("the stream is open", () => bench.Service.Watch.Opened > 0);
        Assert.False(readiness.IsReady);

        await bench.HearAsync(Bench.Posture(Enforcement.Enforced));

        await Eventually.Holds("it is ready", () => readiness.IsReady);
        await readiness.StopAsync(Cancellation);
    }

    [Fact, Trait("attack", "116")]
    public async Task Service_that_says_nothing_is_waited_for_five_seconds()
    {
        await using var bench = await Bench.StartAsync();
        var time = new FakeTimeProvider();
        using var readiness = new Readiness(bench.Watch, bench.Settings, time);
        await readiness.StartAsync(Cancellation);
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(readiness.IsReady);

        // Its timer may begin after the first step.
        await Eventually.Holds("it is ready", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return readiness.IsReady;
        });
        await readiness.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Stop_waits_until_everybody_knows()
    {
        await using var bench = await Bench.StartAsync(change: settings => settings with { Linger = TimeSpan.FromSeconds(7) });
        using var readiness = new Readiness(bench.Watch, bench.Settings, bench.Time);

        var stopping = readiness.StoppingAsync(Cancellation);

        bench.Time.Advance(TimeSpan.FromSeconds(6.9));
        Assert.False(stopping.IsCompleted);
        bench.Time.Advance(TimeSpan.FromSeconds(0.1));
        await stopping.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
    }
}
