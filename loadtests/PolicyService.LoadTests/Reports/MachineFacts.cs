using System.Globalization;
using System.Runtime.InteropServices;

namespace PolicyService.LoadTests.Reports;

/// <summary>Where the figures come from. Absolute ones mean nothing elsewhere, and little on a machine that others use.</summary>
internal sealed record MachineFacts(int Processors, string Processor, string Runtime, string System, double LoadAverage, double MemoryMiB)
{
    public static MachineFacts Read() => new(
        Environment.ProcessorCount,
        Line("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        RuntimeInformation.FrameworkDescription,
        RuntimeInformation.OSDescription,
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
        double.Parse(Line("/proc/meminfo", "MemTotal")!.Split(' ')[0], CultureInfo.InvariantCulture) / 1024);

    private static string? Line(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
}
