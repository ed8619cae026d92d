using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>Text from elsewhere made fit for a message, a warning or a log: an author of images must not write lines of their own into them.</summary>
internal static partial class PlainText
{
    private const string Ellipsis = "…";

    /// <summary>One line: control and invisible characters escaped, line breaks too; cut visibly.</summary>
    /// <param name="text">The text.</param>
    /// <param name="most">Most UTF-16 characters of the result.</param>
    public static string Line(string text, int most = int.MaxValue)
    {
        // What is cut away anyway is not looked at: a name may have a megabyte.
        var beginning = text.Length > most && most < int.MaxValue ? text[..most] : text;
        var shown = Escape(beginning, isLineBreakKept: false);
        return shown.Length <= most && beginning.Length == text.Length ? shown : Cut(shown, most - Ellipsis.Length) + Ellipsis;
    }

    /// <summary>The text with its line breaks, every other control or invisible character escaped.</summary>
    public static string Lines(string text) => Escape(text, isLineBreakKept: true);

    /// <summary>Its first bytes in UTF-8, ending with a whole character; an ellipsis shows that there was more.</summary>
    public static string CutBytes(string text, int most)
    {
        if (Encoding.UTF8.GetByteCount(text) <= most)
        {
            return text;
        }

        var (bytes, length) = (Encoding.UTF8.GetByteCount(Ellipsis), 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if ((bytes += rune.Utf8SequenceLength) > most)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return text[..length] + Ellipsis;
    }

    /// <summary>The text with digests cut to their first digits, where a line must be short.</summary>
    public static string WithShortDigests(string text) => LongDigest().Replace(text, "sha256:$1" + Ellipsis);

    private static string Cut(string text, int most)
    {
        var length = Math.Clamp(most, 0, text.Length);
        return text[..(length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }

    private static string Escape(string text, bool isLineBreakKept)
    {
        if (text.All(character => character is >= ' ' and <= '~'))
        {
            return text;
        }

        var shown = new StringBuilder(text.Length);
        for (var index = 0; index < text.Length;)
        {
            // Half of a pair is no character.
            var isWhole = Rune.TryGetRuneAt(text, index, out var rune);
            var length = isWhole ? rune.Utf16SequenceLength : 1;
            if (isWhole && ((isLineBreakKept && rune.Value == '\n') || !IsHidden(rune)))
            {
                shown.Append(text, index, length);
            }
            else
            {
                foreach (var character in text.AsSpan(index, length))
                {
                    shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
                }
            }

            index += length;
        }

        return shown.ToString();
    }

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    [GeneratedRegex("sha256:([0-9a-f]{12})[0-9a-f]{52}", RegexOptions.CultureInvariant)]
    private static partial Regex LongDigest();
}
