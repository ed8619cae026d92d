using System.Runtime.InteropServices;

namespace PolicyService.LoadTests.Measuring;

/// <summary>
/// Short pauses of a thread of its own. The base library's timers are a millisecond apart at best, which is several times the latencies that are
/// measured; spinning would take one of the cores from the servers.
/// </summary>
internal static partial class Pause
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns at the timestamp, or some ten microseconds later.</summary>
    public static void Until(long timestamp, TimeProvider time)
    {
        for (var left = time.GetElapsedTime(time.GetTimestamp(), timestamp); left > TimeSpan.Zero; left = time.GetElapsedTime(time.GetTimestamp(), timestamp))
        {
            For(left > Longest ? Longest : left);
        }
    }

    /// <summary>A pause of the system's clock: less than a second.</summary>
    public static void For(TimeSpan pause)
    {
        var request = new TimeSpec(0, pause.Ticks * TimeSpan.NanosecondsPerTick);
        _ = NanoSleep(in request, 0);
    }

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int NanoSleep(in TimeSpec request, nint remaining);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct TimeSpec(nint Seconds, long Nanoseconds);
}
