using System.Globalization;
using System.Text;

namespace PolicyService.Core.Documents;

/// <summary>Makes untrusted text safe to show in messages and logs: escaped, and cut.</summary>
public static class Shown
{
    private const int MaxCharacters = 120;

    /// <summary>
    /// The value with control and non-ASCII characters escaped, cut after 120 characters. A PEM block is never shown: what stands in the
    /// wrong place may be a private key.
    /// </summary>
    public static string Value(string? text)
    {
        text ??= "";
        if (text.Contains("-----BEGIN", StringComparison.Ordinal) || text.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            return "(a PEM block)";
        }

        var shown = new StringBuilder(Math.Min(text.Length, MaxCharacters) + 16);
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, MaxCharacters)))
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

        return text.Length <= MaxCharacters
            ? shown.ToString()
            : shown.Append(CultureInfo.InvariantCulture, $"… ({text.Length} characters)").ToString();
    }
}
