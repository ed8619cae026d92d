using System.Globalization;

namespace PolicyService.LoadTests.Soaks;

/// <summary>The service's own metrics, in Prometheus' text format.</summary>
internal static class MetricsPage
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>The value of a metric without labels; null: there is no page, or not this metric on it.</summary>
    public static async Task<double?> ReadAsync(Uri? server, string name, CancellationToken cancellation)
    {
        if (server is null)
        {
            return null;
        }

        var page = await Client.GetStringAsync(new Uri(server, "/metrics"), cancellation);
        return page.Split('\n').FirstOrDefault(line => line.StartsWith($"{name} ", StringComparison.Ordinal)) is { } line
            ? double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture)
            : null;
    }
}
