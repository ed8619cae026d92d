namespace PolicyService.Tests;

/// <summary>Waits for a condition, never for the clock.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Asks until the condition holds; fails if it does not within a bound that is there only to end a broken run.</summary>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> Holds(string what, Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Patience, $"it never happened: {what}");
            await Task.Delay(Pause, TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return TimeProvider.System.GetElapsedTime(started);
    }

    public static Task<TimeSpan> Holds(string what, Func<bool> condition) => Holds(what, () => Task.FromResult(condition()));
}
