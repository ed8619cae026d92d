using System.Globalization;

namespace PolicyService.Server.Tests;

/// <summary>One reading of <c>/metrics</c>.</summary>
internal sealed class MetricsPage(string text)
{
    /// <summary>The lines that hold a value.</summary>
    public IReadOnlyList<string> Series { get; } = [.. text.Split('\n').Where(line => line.Length > 0 && line[0] != '#')];

    /// <summary>The sum over all series of the metric that carry these labels (<c>verdict="DENY"</c>).</summary>
    public double Sum(string name, params string[] labels) => Series
        .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) || line.StartsWith(name + " ", StringComparison.Ordinal))
        .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
