using System.CommandLine;
using System.CommandLine.Parsing;
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

    /// <summary><c>--at TIME</c>; null where it is not given.</summary>
    public static Option<DateTimeOffset?> Option(string description) => new("--at") { HelpName = "TIME", Description = description, CustomParser = Parse };

    private static DateTimeOffset? Parse(ArgumentResult result)
    {
        if (TryParse(result.Tokens.Single().Value, out var time))
        {
            return time;
        }

        result.AddError("--at: write a time from 1970 on with its offset, as 2026-01-31T12:00:00Z");
        return null;
    }
}
