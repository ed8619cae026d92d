using System.Globalization;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Access;

/// <summary>Reads the limits of the access file.</summary>
internal static class LimitsParser
{
    public static (CallerLimits Default, IReadOnlyList<CallerLimitsEntry> Callers) Read(MappingReader file)
    {
        if (file.Mapping("limits") is not { } reader)
        {
            return (CallerLimits.Default, []);
        }

        var defaults = CallerLimits.Default;
        if (reader.Mapping("default") is { } given)
        {
            defaults = Read(given, defaults);
            given.End();
        }

        var callers = reader.Mappings("callers", entry => new CallerLimitsEntry(AccessFileParser.Members(entry), Read(entry, defaults)));
        reader.End();
        if (callers.Sum(entry => entry.Members.Count) > Limits.LimitedCallers)
        {
            file.Problems.Error(file.MarkOf("limits"), $"more than {Limits.LimitedCallers} callers have limits of their own", "name fewer");
        }

        return (defaults, callers);
    }

    private static CallerLimits Read(MappingReader reader, CallerLimits otherwise) => new(
        Number(reader, "requestsPerSecond", (int)otherwise.RequestsPerSecond),
        Number(reader, "burst", otherwise.Burst),
        Number(reader, "concurrentRequests", otherwise.ConcurrentRequests),
        Number(reader, "streams", otherwise.Streams));

    private static int Number(MappingReader reader, string key, int otherwise)
    {
        // 0 parses as nothing else does, so it stands for what is absent.
        var number = reader.Value<int>(key, ParseNumber);
        return number == 0 ? otherwise : number;
    }

    private static bool ParseNumber(string text, out int number, out string problem)
    {
        problem = "write a whole number from 1 to 1000000";
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and <= 1_000_000;
    }
}
