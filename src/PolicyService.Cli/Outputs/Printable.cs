using System.Buffers;
using System.Globalization;
using System.Text;
using PolicyService.Core.Documents;

namespace PolicyService.Cli.Outputs;

/// <summary>
/// Text from elsewhere made safe for a terminal. An escape sequence in an image's name or in a server's answer could otherwise
/// rewrite what the screen says about it, and characters that nobody sees could make one name look like another.
/// </summary>
internal static class Printable
{
    /// <summary>Blank on every screen, whatever category they are of: fillers and selectors of other characters' form.</summary>
    private static readonly SearchValues<char> Blank = SearchValues.Create("\u034F\u115F\u1160\u17B4\u17B5\u180B\u180C\u180D\u180F\u2800\u3164\uFFA0");

    /// <summary>One line: control and invisible characters escaped, line breaks too, and no private key.</summary>
    public static string Line(string text) => Escape(KeyMaterial.Mask(text), IsHidden);

    /// <summary>The lines of a text, each made safe; not wrapped, so that commands can be pasted.</summary>
    public static IEnumerable<string> Lines(string text) => KeyMaterial.Mask(text).Split('\n').Select(line => Line(line.TrimEnd('\r')));

    /// <summary>
    /// JSON with the invisible characters of its strings escaped: to a parser it is the same, to a reader it is not. Of ASCII the writer
    /// has escaped what must be, and line ends are between the strings.
    /// </summary>
    public static string Json(string json) => Escape(json, rune => !rune.IsAscii && IsHidden(rune));

    private static string Escape(string text, Func<Rune, bool> isHidden)
    {
        var shown = new StringBuilder(text.Length);
        Span<char> characters = stackalloc char[2];
        for (var index = 0; index < text.Length;)
        {
            // Half of a pair is no character; it is shown for what it is.
            var isWhole = Rune.TryGetRuneAt(text, index, out var rune);
            var length = isWhole ? rune.EncodeToUtf16(characters) : 1;
            if (isWhole && !isHidden(rune))
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

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => true,
        UnicodeCategory.SpaceSeparator => rune.Value != ' ',
        _ => rune.Value is (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF) || (rune.IsBmp && Blank.Contains((char)rune.Value)),
    };
}
