using PolicyService.Server.Shedding;

namespace PolicyService.Server.Tests.Shedding;

public sealed class WorkWaitProbeTests
{
    [Fact]
    public async Task Looks_come_while_it_runs_and_end_with_it()
    {
        var control = new OverloadControl(TimeProvider.System);
        using var probe = new WorkWaitProbe(control);
        await probe.StartAsync(TestContext.Current.CancellationToken);
        // The wait of a piece of work is never exactly nothing.
        while (control.Wait == TimeSpan.Zero)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await probe.StopAsync(TestContext.Current.CancellationToken);
        var last = control.Wait;
        await Task.Delay(4 * OverloadControl.Interval, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(last, control.Wait);
    }
}
