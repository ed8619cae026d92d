using System.Text;

namespace PolicyService.Kubernetes.Running;

/// <summary>Makes text of others harmless where people read it: no control characters, no half characters, no more than so much of it.</summary>
internal static class PlainWords
{
    /// <summary>One line of at most so many characters.</summary>
    public static string Line(string text, int most) => Clean(text, most, keepLines: false);

    /// <summary>Lines of at most so many characters in all.</summary>
    public static string Lines(string text, int most) => Clean(text, most, keepLines: true);

    /// <summary>One line of at most so many bytes of UTF-8.</summary>
    public static string Bytes(string text, int most)
    {
        var line = Line(text, most);
        while (Encoding.UTF8.GetByteCount(line) > most)
        {
            line = line[..^(char.IsLowSurrogate(line[^1]) ? 2 : 1)];
        }

        return line;
    }

    private static string Clean(string text, int most, bool keepLines)
    {
        var clean = new StringBuilder(Math.Min(text.Length, most));
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > most)
            {
                break;
            }

            clean.Append(Rune.IsControl(rune) && !(keepLines && rune.Value == '\n') ? "?" : rune.ToString());
        }

        return clean.ToString();
    }
}
