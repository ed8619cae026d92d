using System.Text;
using System.Text.Json;

namespace PolicyService.Server.Storage;

/// <summary>A document as the store has it.</summary>
/// <param name="Key">What it is and how it is called.</param>
/// <param name="Content">
/// Its JSON object without what the store itself keeps: no <c>etag</c>, <c>createTime</c>, <c>updateTime</c>. Every other field is as it was
/// written. <c>name</c> is that of the key; options, clusters and IAM policies have none.
/// </param>
/// <param name="Etag">Changes with every write; 16 lower-case hex digits, which are also base64 in either alphabet. Empty for an occurrence.</param>
/// <param name="CreateTime">When the store first had it (or, imported, what the import says).</param>
/// <param name="UpdateTime">When it was last written.</param>
public sealed record StoredDocument(DocumentKey Key, string Content, string Etag, DateTimeOffset CreateTime, DateTimeOffset UpdateTime)
{
    /// <summary>The whole JSON as Google's API gives it, with the fields of the store that this kind has.</summary>
    public string ToJson()
    {
        using var document = JsonDocument.Parse(Content, DocumentJson.Options);
        var buffer = new MemoryStream(Content.Length + 128);
        using (var writer = new Utf8JsonWriter(buffer, DocumentJson.Writing))
        {
            writer.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                property.WriteTo(writer);
            }

            WriteStoreFields(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private void WriteStoreFields(Utf8JsonWriter writer)
    {
        if (Key.Kind is StoredKind.Note or StoredKind.Occurrence)
        {
            writer.WriteString("createTime", Rfc3339.Write(CreateTime));
        }

        if (Key.Kind is not (StoredKind.Options or StoredKind.Clusters or StoredKind.PolicyIam or StoredKind.AttestorIam))
        {
            writer.WriteString("updateTime", Rfc3339.Write(UpdateTime));
        }

        if (Key.Kind is not (StoredKind.Note or StoredKind.Occurrence or StoredKind.ContinuousValidation or StoredKind.Options or StoredKind.Clusters))
        {
            writer.WriteString("etag", Etag);
        }
    }
}

/// <summary>One write of a document, as its history keeps it.</summary>
/// <param name="Number">Grows with time; unique in the store.</param>
/// <param name="Key">The document.</param>
/// <param name="Author">Who wrote it, as the server knew the caller.</param>
/// <param name="Time">When.</param>
/// <param name="Content">What it was afterwards; null: it was deleted.</param>
/// <param name="Previous">What it was before; null: it did not exist.</param>
/// <param name="Etag">The etag of that version; empty for a deletion.</param>
public sealed record Revision(long Number, DocumentKey Key, string Author, DateTimeOffset Time, string? Content, string? Previous, string Etag);
