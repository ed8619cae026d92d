using System.Globalization;

namespace PolicyService.LoadTests.Processes;

/// <summary>What a process has taken so far and takes now, as <c>/proc</c> says (proc(5)).</summary>
/// <param name="Cpu">Processor time, user and system, of all its threads; to 10 ms.</param>
/// <param name="Memory">Resident now; bytes.</param>
/// <param name="PeakMemory">The most that was ever resident; bytes.</param>
/// <param name="Handles">Open file descriptors.</param>
/// <param name="Threads">Threads.</param>
internal sealed record ProcessUsage(TimeSpan Cpu, long Memory, long PeakMemory, int Handles, int Threads)
{
    /// <summary>Of Linux on every architecture .NET runs on: <c>sysconf(_SC_CLK_TCK)</c>.</summary>
    private const double TicksPerSecond = 100;

    /// <exception cref="IOException">There is no such process, or no <c>/proc</c>.</exception>
    public static ProcessUsage Of(int process)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}");
        var status = File.ReadLines($"{folder}/status").Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1].Trim());
        return new ProcessUsage(
            CpuOf(File.ReadAllText($"{folder}/stat")),
            Bytes("VmRSS"),
            Bytes("VmHWM"),
            Directory.GetFileSystemEntries($"{folder}/fd").Length,
            int.Parse(status["Threads"], CultureInfo.InvariantCulture));

        long Bytes(string name) => long.Parse(status[name].Split(' ')[0], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Fields 14 and 15. The name of the program, field 2, may hold spaces and parentheses: they are counted from its end.</summary>
    internal static TimeSpan CpuOf(string stat)
    {
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
    }
}
