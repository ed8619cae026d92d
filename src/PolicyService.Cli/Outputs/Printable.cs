using System.Globalization;
using System.Text;

namespace PolicyService.Cli.Outputs;

/// <summary>
/// Text from elsewhere made safe for a terminal. An escape sequence in an image's name or in a server's answer could otherwise
/// rewrite what the screen says about it.
/// </summary>
internal static class Printable
{
    /// <summary>One line: control and invisible formatting characters escaped, line breaks too.</summary>
    public static string Line(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (IsShown(character))
            {
                shown.Append(character);
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
        }

        return shown.ToString();
    }

    /// <summary>The lines of a text, each made safe; not wrapped, so that commands can be pasted.</summary>
    public static IEnumerable<string> Lines(string text) => text.Split('\n').Select(line => Line(line.TrimEnd('\r')));

    private static bool IsShown(char character) => char.GetUnicodeCategory(character) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
