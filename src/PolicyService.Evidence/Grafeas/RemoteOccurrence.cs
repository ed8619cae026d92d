using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Grafeas;

/// <summary>
/// Reads one occurrence as a Container Analysis elsewhere gave it, and cuts it down to what an attestation is made of. It is what was asked
/// for: the filter of the other side is not trusted. Nothing in it is verified.
/// </summary>
internal static class RemoteOccurrence
{
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };
    private static readonly string[] Fields = ["name", "kind", "noteName", "resourceUri", "createTime"];

    /// <summary>Reads one element of a list.</summary>
    /// <returns>Null: it is no attestation of what was asked for, or none that can be read; it neither helps nor hurts.</returns>
    public static RemoteItem? Read(JsonElement element, OccurrenceParent parent, Digest digest)
    {
        try
        {
            return element.ValueKind is JsonValueKind.Object && element.TryGetProperty("kind", out var kind) && kind.ValueEquals("ATTESTATION")
                ? Read(Normalize(element), parent, digest)
                : null;
        }
        catch (InvalidOperationException)
        {
            // Text that is none, or a kind that is none: the parser finds them only when it is asked for the string.
            return null;
        }
    }

    /// <summary>Reads what was kept, by the same rules: neither cache nor archive knows what is asked today.</summary>
    public static RemoteItem? ReadKept(ReadOnlyMemory<byte> content, OccurrenceParent parent, Digest digest)
    {
        try
        {
            using var document = JsonDocument.Parse(content, Reading);
            return Read(document.RootElement, parent, digest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static RemoteItem? Read(byte[] content, OccurrenceParent parent, Digest digest)
    {
        var problems = new ProblemList("occurrence.json");
        var nodes = DocumentText.Read(content, problems);
        var attestations = problems.HasErrors ? null : OccurrenceParser.Parse(nodes, problems);
        var isAsked = attestations is { Count: > 0 } && attestations.All(attestation =>
            attestation.ResourceDigest == digest && (parent.Project.Length == 0 ? attestation.Note == parent.Note : attestation.Project == parent.Project));
        return isAsked ? new RemoteItem(content, attestations!) : null;
    }

    /// <summary>An answer of an API may have more fields than were known when this was written: they are passed over, where a document's would refuse it.</summary>
    private static byte[] Normalize(JsonElement occurrence)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            Copy(writer, occurrence, Fields);
            if (occurrence.TryGetProperty("attestation", out var attestation))
            {
                writer.WritePropertyName("attestation");
                WriteBody(writer, attestation);
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void WriteBody(Utf8JsonWriter writer, JsonElement attestation)
    {
        if (attestation.ValueKind is not JsonValueKind.Object)
        {
            attestation.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        Copy(writer, attestation, "serializedPayload");
        CopyList(writer, attestation, "signatures", "publicKeyId", "signature");
        CopyList(writer, attestation, "jwts", "compactJwt");
        writer.WriteEndObject();
    }

    private static void CopyList(Utf8JsonWriter writer, JsonElement parent, string field, params ReadOnlySpan<string> fields)
    {
        if (!parent.TryGetProperty(field, out var list) || list.ValueKind is not JsonValueKind.Array)
        {
            Copy(writer, parent, field);
            return;
        }

        writer.WriteStartArray(field);
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind is not JsonValueKind.Object)
            {
                item.WriteTo(writer);
                continue;
            }

            writer.WriteStartObject();
            Copy(writer, item, fields);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Copy(Utf8JsonWriter writer, JsonElement parent, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (parent.TryGetProperty(field, out var value))
            {
                writer.WritePropertyName(field);
                value.WriteTo(writer);
            }
        }
    }
}
