using System.Diagnostics.CodeAnalysis;
using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Cli.Pins;

/// <summary>
/// Puts pins into the text of <c>options.yaml</c> and leaves every other character as it is: comments, order, line ends. What comes out is
/// parsed again and must be the old document and the pins, or nothing comes out.
/// </summary>
internal static class PinText
{
    private const string Field = "pinnedKeys";

    /// <param name="path">Path of the file in the documents directory; its ending says how it is read.</param>
    /// <param name="content">What stands there; null: no file.</param>
    /// <param name="pins">The pins to be there afterwards.</param>
    /// <param name="changed">The new content.</param>
    /// <param name="problem">Why there is none.</param>
    public static bool TryWrite(
        string path, byte[]? content, IReadOnlyDictionary<KmsKeyName, Digest> pins, [NotNullWhen(true)] out byte[]? changed, [NotNullWhen(false)] out string? problem)
    {
        (changed, problem) = (null, null);
        var text = content is null ? "" : Encoding.UTF8.GetString(content);
        if (content is not null && !Encoding.UTF8.GetBytes(text).AsSpan().SequenceEqual(content))
        {
            problem = "the file is not UTF-8: save it as UTF-8";
            return false;
        }

        if (!TryRead(path, text, out var before, out problem))
        {
            return false;
        }

        var edited = text;
        foreach (var (name, pin) in pins.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
        {
            // Read anew for each: an insertion moves what stands behind it.
            if (!TryRead(path, edited, out var root, out problem) || Edit(edited, root, name, pin) is not { } next)
            {
                problem ??= $"{Field} is written in a way that is not edited here: write it as a block, one key to a line";
                return false;
            }

            edited = next;
        }

        if (!TryRead(path, edited, out var after, out _) || !IsOldPlusPins(before, after, pins))
        {
            problem = $"the pin cannot be put into the file without changing more than it: write it by hand under {Field}";
            return false;
        }

        changed = Encoding.UTF8.GetBytes(edited);
        return true;
    }

    /// <summary>The document as a mapping, null for a file of nothing but comments; the options in it must be taken as they are.</summary>
    private static bool TryRead(string path, string text, out MappingNode? root, [NotNullWhen(false)] out string? problem)
    {
        (root, problem) = (null, null);
        var problems = new ProblemList(path);
        var nodes = DocumentText.Read(Encoding.UTF8.GetBytes(text), problems);
        if (!problems.HasErrors && nodes.Count == 0)
        {
            return true;
        }

        root = nodes is [MappingNode mapping] ? mapping : null;
        _ = root is null ? null : OptionsParser.Parse(root, problems);
        problem = problems.HasErrors ? problems.Problems[0].ToString() : root is null ? "the file is not one mapping of options: mend it first" : null;
        return problem is null;
    }

    private static string? Edit(string text, MappingNode? root, KmsKeyName name, Digest pin)
    {
        var entry = root?.Entries.FirstOrDefault(candidate => candidate.Key == Field);
        switch (entry?.Value)
        {
            case null when root is null || !IsFlow(text, root):
                var indent = root is null ? "" : new string(' ', root.Mark.Column - 1);
                return Append(text, $"{indent}{Field}:", $"{indent}  {name}: {pin}");
            case null:
                return InsertFlow(text, root, $"\"{Field}\": {{\"{name}\": \"{pin}\"}}");
            case MappingNode pins when pins.Entries.FirstOrDefault(one => KmsKeyName.TryParse(one.Key, out var known) && known == name) is { Value: ScalarNode old }:
                return Replace(text, old, pin);
            case MappingNode pins when IsFlow(text, pins):
                return InsertFlow(text, pins, $"\"{name}\": \"{pin}\"");
            case MappingNode { Entries: [var first, ..] entries }:
                return InsertLine(text, entries[^1].Value.Mark.Line, $"{new string(' ', first.Mark.Column - 1)}{name}: {pin}");
            case ScalarNode { IsNull: true, Text: "" }:
                return InsertLine(text, entry.Mark.Line, $"{new string(' ', entry.Mark.Column + 1)}{name}: {pin}");
            default:
                return null;
        }
    }

    private static string LineEnd(string text) => text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";

    private static string Append(string text, params ReadOnlySpan<string> lines)
    {
        var end = LineEnd(text);
        return $"{text}{(text.Length == 0 || text.EndsWith('\n') ? "" : end)}{string.Join(end, lines)}{end}";
    }

    /// <summary>Inserts a line behind the given one, which counts from 1.</summary>
    private static string InsertLine(string text, int behind, string line)
    {
        var offset = OffsetOf(text, new Mark(behind + 1, 1));
        return offset < 0 ? Append(text, line) : text.Insert(offset, line + LineEnd(text));
    }

    private static string? InsertFlow(string text, MappingNode mapping, string entry)
    {
        var offset = OffsetOf(text, mapping.Mark);
        return text.Insert(offset + 1, entry + (mapping.Entries.Count > 0 ? ", " : ""));
    }

    private static string? Replace(string text, ScalarNode old, Digest pin)
    {
        var offset = text.IndexOf(old.Text, Math.Max(0, OffsetOf(text, old.Mark)), StringComparison.Ordinal);
        return offset < 0 ? null : text[..offset] + pin + text[(offset + old.Text.Length)..];
    }

    private static bool IsFlow(string text, MappingNode mapping) => OffsetOf(text, mapping.Mark) is >= 0 and var offset && offset < text.Length && text[offset] == '{';

    /// <summary>Where the mark stands in the text; -1 behind its last line.</summary>
    private static int OffsetOf(string text, Mark mark)
    {
        var offset = 0;
        for (var line = 1; line < mark.Line; line++)
        {
            var end = text.IndexOf('\n', offset);
            if (end < 0)
            {
                return -1;
            }

            offset = end + 1;
        }

        return offset + mark.Column - 1;
    }

    private static bool IsOldPlusPins(MappingNode? before, MappingNode? after, IReadOnlyDictionary<KmsKeyName, Digest> pins)
    {
        var rest = Others(before).Zip(Others(after)).ToArray();
        if (after is null || Others(before).Count() != Others(after).Count() || !rest.All(pair => pair.First.Key == pair.Second.Key && IsSame(pair.First.Value, pair.Second.Value)))
        {
            return false;
        }

        var expected = PinsOf(before);
        foreach (var (name, pin) in pins)
        {
            expected[name] = pin;
        }

        var found = PinsOf(after);
        return found.Count == expected.Count && found.All(pair => expected.TryGetValue(pair.Key, out var pin) && pin == pair.Value);
    }

    private static IEnumerable<MappingEntry> Others(MappingNode? root) => root?.Entries.Where(entry => entry.Key != Field) ?? [];

    private static Dictionary<KmsKeyName, Digest> PinsOf(MappingNode? root) =>
        root is not null && OptionsParser.Parse(root, new ProblemList("")) is { } options ? options.PinnedKeys.ToDictionary() : [];

    private static bool IsSame(DocumentNode one, DocumentNode other) => (one, other) switch
    {
        (ScalarNode a, ScalarNode b) => a.Text == b.Text && a.Quoted == b.Quoted,
        (SequenceNode a, SequenceNode b) => a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => IsSame(pair.First, pair.Second)),
        (MappingNode a, MappingNode b) => a.Entries.Count == b.Entries.Count
            && a.Entries.Zip(b.Entries).All(pair => pair.First.Key == pair.Second.Key && IsSame(pair.First.Value, pair.Second.Value)),
        _ => false,
    };
}
