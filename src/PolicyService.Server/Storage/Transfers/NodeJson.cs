using System.Text;
using System.Text.Json;
using PolicyService.Core.Documents;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>Writes a document that was read as YAML or JSON as the JSON that reads the same.</summary>
internal static class NodeJson
{
    public static string Write(DocumentNode node)
    {
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, DocumentJson.Writing))
        {
            Write(writer, node);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void Write(Utf8JsonWriter writer, DocumentNode node)
    {
        switch (node)
        {
            case MappingNode mapping:
                writer.WriteStartObject();
                foreach (var entry in mapping.Entries)
                {
                    writer.WritePropertyName(entry.Key);
                    Write(writer, entry.Value);
                }

                writer.WriteEndObject();
                break;
            case SequenceNode sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Items)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case { IsNull: true }:
                writer.WriteNullValue();
                break;
            case ScalarNode { Quoted: false } plain when IsJson(plain.Text):
                // With every digit it was written with.
                writer.WriteRawValue(plain.Text);
                break;
            case ScalarNode scalar:
                writer.WriteStringValue(scalar.Text);
                break;
        }
    }

    /// <summary>A number or boolean in JSON's spelling; YAML has more spellings, which stay text.</summary>
    private static bool IsJson(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            return reader.Read() && reader.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
