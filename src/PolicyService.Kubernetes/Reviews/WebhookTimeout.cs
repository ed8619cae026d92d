using System.Buffers;
using System.Globalization;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>How long the cluster waits for a webhook, as it says in <c>?timeout=</c> (KUBERNETES.md, ValidatingAdmissionWebhook 1).</summary>
internal static class WebhookTimeout
{
    /// <summary>Where the cluster does not say, or nothing sensible: its own default.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(10);

    /// <summary>Kubernetes takes no more.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(30);

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");
    private const int MostCharacters = 40;

    /// <summary>Reads a duration as Go writes it: <c>2s</c>, <c>1m30s</c>, <c>500ms</c>, <c>1.5s</c>.</summary>
    public static TimeSpan Read(string? text)
    {
        var seconds = Seconds(text ?? "");
        return seconds > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, Most.TotalSeconds)) : Default;
    }

    /// <returns>Zero: it is none.</returns>
    private static double Seconds(string text)
    {
        if (text.Length is 0 or > MostCharacters)
        {
            return 0;
        }

        var sum = 0.0;
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return 0;
            }

            rest = rest[digits..];
            var end = rest.IndexOfAny(NumberCharacters);
            var unit = SecondsOf(end < 0 ? rest : rest[..end]);
            if (unit == 0)
            {
                return 0;
            }

            sum += number * unit;
            rest = end < 0 ? [] : rest[end..];
        }

        return sum;
    }

    private static double SecondsOf(ReadOnlySpan<char> unit) => unit switch
    {
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        "ms" => 1e-3,
        "us" or "\u00B5s" or "\u03BCs" => 1e-6,
        "ns" => 1e-9,
        _ => 0,
    };
}
