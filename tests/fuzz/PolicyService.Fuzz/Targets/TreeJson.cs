using System.Text.Encodings.Web;
using System.Text.Json;
using PolicyService.Core.Documents;

namespace PolicyService.Fuzz.Targets;

/// <summary>Writes a document tree as the JSON that means the same: the other way round from the readers.</summary>
internal static class TreeJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1000 };

    public static byte[] Write(DocumentNode node)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, Options))
        {
            Write(writer, node);
        }

        return bytes.ToArray();
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
            case ScalarNode { IsNull: true }:
                writer.WriteNullValue();
                break;
            case ScalarNode { Quoted: false, Text: "true" or "false" } scalar:
                writer.WriteBooleanValue(scalar.Text == "true");
                break;
            case ScalarNode scalar:
                // Numbers too: the readers ask for their text, which a string keeps.
                writer.WriteStringValue(scalar.Text);
                break;
        }
    }
}
