using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>JSON as exports and imports need it: no longer and no deeper than what was taken when it was written.</summary>
internal static class JsonText
{
    /// <summary>Brackets around one occurrence in a file: an object and a list.</summary>
    public const int WrapperDepth = 2;

    public static int Bytes(string text) => Encoding.UTF8.GetByteCount(text);

    /// <summary>
    /// An object in one line without what the store keeps beside it, and in no more bytes than it came in: what a body within the limit
    /// held is within the limit again.
    /// </summary>
    public static string Bare(JsonElement root)
    {
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, DocumentJson.Writing))
        {
            writer.WriteStartObject();
            foreach (var property in root.EnumerateObject().Where(property => property.Name is not ("name" or "etag" or "createTime" or "updateTime")))
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return Unescaped(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>The same JSON with every character written as itself that may be: the writer escapes some, in up to three times their bytes.</summary>
    public static string Unescaped(string json)
    {
        if (!json.Contains("\\u", StringComparison.Ordinal))
        {
            return json;
        }

        var text = new StringBuilder(json.Length);
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] != '\\')
            {
                text.Append(json[i]);
            }
            else if (json[i + 1] != 'u')
            {
                text.Append(json, i++, 2);
            }
            else
            {
                i += AppendUnescaped(text, json.AsSpan(i)) - 1;
            }
        }

        return text.ToString();
    }

    /// <returns>Characters read.</returns>
    private static int AppendUnescaped(StringBuilder text, ReadOnlySpan<char> escape)
    {
        const int Length = 6;
        var first = UnitOf(escape);
        if (char.IsHighSurrogate(first) && escape.Length >= 2 * Length && escape[Length] == '\\' && escape[Length + 1] == 'u' && char.IsLowSurrogate(UnitOf(escape[Length..])))
        {
            text.Append(first).Append(UnitOf(escape[Length..]));
            return 2 * Length;
        }

        // Control characters, quote and backslash must stay escaped, and half a pair is no character.
        _ = first < ' ' || first is '"' or '\\' || char.IsSurrogate(first) ? text.Append(escape[..Length]) : text.Append(first);
        return Length;
    }

    private static char UnitOf(ReadOnlySpan<char> escape) => (char)ushort.Parse(escape[2..6], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
