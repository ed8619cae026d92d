using System.Globalization;

namespace PolicyService.Core.Documents;

/// <summary>Parses one value; on false <paramref name="problem"/> says what is wrong with it.</summary>
public delegate bool ValueParser<T>(string text, out T value, out string problem);

/// <summary>
/// Reads the fields of one mapping. Every field a document may have is asked for once; <see cref="End"/> then reports what is
/// left as unknown. A null value is an absent one, as in proto3 JSON.
/// </summary>
public sealed class MappingReader
{
    private readonly Dictionary<string, MappingEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _known = [];

    public MappingReader(MappingNode node, ProblemList problems)
    {
        (Node, Problems) = (node, problems);
        foreach (var entry in node.Entries)
        {
            _entries.TryAdd(entry.Key, entry);
        }
    }

    public MappingNode Node { get; }

    public ProblemList Problems { get; }

    /// <summary>A reader of a node that must be a mapping; a problem and null if it is none.</summary>
    public static MappingReader? Of(DocumentNode? node, string what, ProblemList problems)
    {
        if (node is MappingNode mapping)
        {
            return new MappingReader(mapping, problems);
        }

        if (node is not null)
        {
            problems.Error(node.Mark, $"{what} is {node.Kind}", "write a mapping of fields");
        }

        return null;
    }

    /// <summary>The node of a field, null if absent.</summary>
    public DocumentNode? Take(string key)
    {
        _known.Add(key);
        Problems.FieldAsked?.Invoke(Node, key);
        return _entries.Remove(key, out var entry) && !entry.Value.IsNull ? entry.Value : null;
    }

    /// <summary>Where the field stands, or the mapping if it does not.</summary>
    public Mark MarkOf(string key) => Node.Entries.FirstOrDefault(entry => entry.Key == key)?.Mark ?? Node.Mark;

    public string? Text(string key)
    {
        switch (Take(key))
        {
            case null:
                return null;
            case ScalarNode scalar when scalar.Quoted || !Problems.IsStrict:
                return scalar.Text;
            case var node:
                Problems.Error(node.Mark, $"`{key}` is {node.Kind}", "write a string");
                return null;
        }
    }

    public T? Value<T>(string key, ValueParser<T> parse)
    {
        var node = Take(key);
        return node is null ? default : Parse(node, key, parse, out var value) ? value : default;
    }

    /// <summary>A required value; its absence is a problem.</summary>
    public T? Required<T>(string key, ValueParser<T> parse, string remedy)
    {
        var node = Take(key);
        if (node is null)
        {
            Problems.Missing(Node.Mark, key, remedy);
            return default;
        }

        return Parse(node, key, parse, out var value) ? value : default;
    }

    public bool Boolean(string key)
    {
        var node = Take(key);
        if (node is not null and not ScalarNode { Quoted: false, Text: "true" or "false" })
        {
            Problems.Error(node.Mark, $"`{key}` is {node.Kind}", "write true or false");
        }

        return node is ScalarNode { Text: "true" };
    }

    public MappingReader? Mapping(string key) => Of(Take(key), $"`{key}`", Problems);

    public IReadOnlyList<DocumentNode> Sequence(string key)
    {
        var node = Take(key);
        if (node is not null and not SequenceNode)
        {
            Problems.Error(node.Mark, $"`{key}` is {node.Kind}", "write a list");
        }

        return node is SequenceNode sequence ? sequence.Items : [];
    }

    /// <summary>A list of parsed values; items that do not parse are reported and left out.</summary>
    public IReadOnlyList<T> Values<T>(string key, ValueParser<T> parse)
    {
        var values = new List<T>();
        foreach (var item in Sequence(key))
        {
            if (Parse(item, key, parse, out var value))
            {
                values.Add(value);
            }
        }

        return values;
    }

    /// <summary>A list of mappings, each read by <paramref name="read"/> and then closed.</summary>
    public IReadOnlyList<T> Mappings<T>(string key, Func<MappingReader, T?> read) where T : class
    {
        var values = new List<T>();
        foreach (var item in Sequence(key))
        {
            if (Of(item, $"an item of `{key}`", Problems) is { } reader)
            {
                var value = read(reader);
                reader.End();
                if (value is not null)
                {
                    values.Add(value);
                }
            }
        }

        return values;
    }

    /// <summary>The entries of a field whose keys are chosen by the author.</summary>
    public IReadOnlyList<MappingEntry> Entries(string key) => Mapping(key)?.Node.Entries ?? [];

    /// <summary>Reports every field nobody asked for.</summary>
    public void End()
    {
        foreach (var entry in _entries.Values)
        {
            var near = _known.Find(known => string.Equals(Bare(known), Bare(entry.Key), StringComparison.OrdinalIgnoreCase));
            var remedy = near is not null ? $"did you mean `{near}`?" : $"remove it, or use one of {string.Join(", ", _known)}";
            Problems.Error(entry.Mark, $"unknown field `{Shown.Value(entry.Key)}`", remedy);
        }
    }

    /// <summary>Parses a scalar node; a problem and false if it is none or does not parse.</summary>
    public bool Parse<T>(DocumentNode node, string what, ValueParser<T> parse, out T value)
    {
        value = default!;
        if (node is not ScalarNode scalar || scalar.IsNull || (Problems.IsStrict && !scalar.Quoted))
        {
            Problems.Error(node.Mark, $"`{what}` is {node.Kind}", "write a string");
            return false;
        }

        if (parse(scalar.Text, out value, out var problem))
        {
            return true;
        }

        // Payloads and signatures stay out of messages.
        var shown = typeof(T) == typeof(byte[]) ? "the value" : $"`{Shown.Value(scalar.Text)}`";
        Problems.Error(node.Mark, $"`{what}`: {shown} is not usable", problem);
        return false;
    }

    private static string Bare(string key) => key.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
}

/// <summary>Parsers of small values that several documents share.</summary>
public static class ValueParsers
{
    public static bool Text(string text, out string value, out string problem)
    {
        (value, problem) = (text, "");
        return true;
    }

    /// <summary>A time as RFC 3339 writes it.</summary>
    public static bool Time(string text, out DateTimeOffset value, out string problem)
    {
        problem = "write a time as 2026-01-31T12:00:00Z";
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out value)
            && text.Contains('T', StringComparison.Ordinal);
    }

    /// <summary>A duration in hours, minutes and seconds: <c>720h</c>, <c>1h30m</c>, <c>10s</c>.</summary>
    public static bool Duration(string text, out TimeSpan value, out string problem)
    {
        (value, problem) = (TimeSpan.Zero, "write a positive duration as 720h, 90m, 30s or 1h30m");
        long number = -1;
        double seconds = 0;
        foreach (var character in text)
        {
            if (char.IsAsciiDigit(character) && number < 1_000_000_000)
            {
                number = (Math.Max(number, 0) * 10) + (character - '0');
                continue;
            }

            var unit = character switch { 'h' => 3600, 'm' => 60, 's' => 1, _ => 0 };
            if (number < 0 || unit == 0)
            {
                return false;
            }

            (seconds, number) = (seconds + (number * (double)unit), -1);
        }

        if (number >= 0 || seconds <= 0 || seconds > TimeSpan.FromDays(36500).TotalSeconds)
        {
            return false;
        }

        value = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>Bytes as base64 in either alphabet, padded or not; white space, which YAML blocks bring, is passed over.</summary>
    public static bool Bytes(string text, out byte[] value, out string problem)
    {
        problem = "write base64, standard or URL-safe";
        var standard = string.Concat(text.Where(character => character is not (' ' or '\n' or '\r' or '\t'))
            .Select(character => character switch { '-' => '+', '_' => '/', _ => character }));
        standard = standard.TrimEnd('=');
        value = new byte[(standard.Length * 3 / 4) + 3];
        var padded = standard.PadRight((standard.Length + 3) / 4 * 4, '=');
        if (standard.Length % 4 == 1 || !Convert.TryFromBase64String(padded, value, out var written))
        {
            value = [];
            return false;
        }

        value = value[..written];
        return true;
    }
}
