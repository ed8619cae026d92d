using System.Globalization;

namespace PolicyService.Cli.Inputs;

/// <summary>A time as RFC 3339 writes it. Without an offset it would mean another moment on every machine.</summary>
internal static class EvaluationTime
{
    private static readonly string[] Formats =
    [
        "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
        "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    /// <summary>Decision ids carry the time and begin in 1970; so does this.</summary>
    public static bool TryParse(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time)
        && time >= DateTimeOffset.UnixEpoch;
}
