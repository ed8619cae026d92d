using System.Globalization;
using System.Text;

namespace PolicyService.Core.Documents;

/// <summary>Makes untrusted text safe to show in messages and logs: escaped, and cut.</summary>
public static class Shown
{
    private const int MaxCharacters = 120;

    /// <summary>
    /// The value with control and non-ASCII characters escaped, cut after 120 characters. A PEM block is never shown, nor a private key of
    /// any form: it may stand in the wrong place.
    /// </summary>
    public static string Value(string? text)
    {
        text = WithoutKeys(text ?? "");
        return text.Length <= MaxCharacters
            ? Escaped(text).ToString()
            : Escaped(text.AsSpan(0, MaxCharacters)).Append(CultureInfo.InvariantCulture, $"… ({text.Length} characters)").ToString();
    }

    /// <summary>The same for the path of a file, of which the end is kept: it is what names the file.</summary>
    public static string Path(string? text)
    {
        text = WithoutKeys(text ?? "");
        return text.Length <= MaxCharacters ? Escaped(text).ToString() : $"…{Escaped(text.AsSpan(text.Length - MaxCharacters))}";
    }

    private static string WithoutKeys(string text) =>
        text.Contains("-----BEGIN", StringComparison.Ordinal) || text.Contains("PRIVATE KEY", StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"(a PEM block, {text.Length} characters)")
            : KeyMaterial.Mask(text);

    private static StringBuilder Escaped(ReadOnlySpan<char> text)
    {
        var shown = new StringBuilder(text.Length + 32);
        foreach (var character in text)
        {
            // The back-tick delimits values in our messages.
            if (character is >= ' ' and <= '~' and not '`')
            {
                shown.Append(character);
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
        }

        return shown;
    }
}
