using System.Formats.Asn1;
using System.Globalization;
using System.Text;

namespace PolicyService.Server.Access.Certificates;

/// <summary>
/// Writes a distinguished name as RFC 4514 does: the last part first, commas without spaces. The base library writes names for people, with
/// spaces and quotes, from which two names could look alike.
/// </summary>
internal static class DistinguishedName
{
    /// <summary>The types RFC 4514 has names for (section 3).</summary>
    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["2.5.4.3"] = "CN",
        ["2.5.4.6"] = "C",
        ["2.5.4.7"] = "L",
        ["2.5.4.8"] = "ST",
        ["2.5.4.9"] = "STREET",
        ["2.5.4.10"] = "O",
        ["2.5.4.11"] = "OU",
        ["0.9.2342.19200300.100.1.1"] = "UID",
        ["0.9.2342.19200300.100.1.25"] = "DC",
    };

    /// <param name="name">The name in DER.</param>
    /// <exception cref="AsnContentException">It is none.</exception>
    public static string Write(ReadOnlyMemory<byte> name)
    {
        var reader = new AsnReader(name, AsnEncodingRules.DER).ReadSequence();
        var parts = new List<string>();
        while (reader.HasData)
        {
            var set = reader.ReadSetOf(skipSortOrderValidation: true);
            var pairs = new List<string>();
            while (set.HasData)
            {
                pairs.Add(WritePair(set.ReadSequence()));
            }

            parts.Add(string.Join('+', pairs));
        }

        parts.Reverse();
        return string.Join(',', parts);
    }

    private static string WritePair(AsnReader pair)
    {
        var type = pair.ReadObjectIdentifier();
        var encoded = pair.PeekEncodedValue();
        var tag = pair.PeekTag();
        var text = tag.TagClass is TagClass.Universal && (UniversalTagNumber)tag.TagValue is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String
            ? pair.ReadCharacterString((UniversalTagNumber)tag.TagValue)
            : null;
        // A type without a name of its own, or a value that is no plain text, is written as its bytes (section 2.4).
        return Names.TryGetValue(type, out var name) && text is not null ? $"{name}={Escape(text)}" : $"{name ?? type}=#{Convert.ToHexStringLower(encoded.Span)}";
    }

    /// <summary>Section 2.4; control characters as their bytes too.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 8);
        for (var at = 0; at < text.Length; at++)
        {
            var character = text[at];
            if (character is '"' or '+' or ',' or ';' or '<' or '>' or '\\'
                || (character is '#' && at == 0) || (character is ' ' && (at == 0 || at == text.Length - 1)))
            {
                escaped.Append('\\').Append(character);
            }
            else if (char.IsControl(character))
            {
                foreach (var part in Encoding.UTF8.GetBytes([character]))
                {
                    escaped.Append(CultureInfo.InvariantCulture, $"\\{part:x2}");
                }
            }
            else
            {
                escaped.Append(character);
            }
        }

        return escaped.ToString();
    }
}
