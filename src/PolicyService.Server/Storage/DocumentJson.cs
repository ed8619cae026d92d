using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using PolicyService.Core;

namespace PolicyService.Server.Storage;

/// <summary>Brings a document into the form the store keeps.</summary>
internal static class DocumentJson
{
    public static readonly JsonDocumentOptions Options = new()
    {
        AllowDuplicateProperties = false,
        MaxDepth = Limits.Depth,
        CommentHandling = JsonCommentHandling.Disallow,
        AllowTrailingCommas = false,
    };

    public static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// The same object in one line, with the key's own name first and without the fields the store keeps beside it. Numbers and
    /// unknown fields pass unchanged.
    /// </summary>
    /// <param name="json">The document as it came.</param>
    /// <param name="key">Its key.</param>
    /// <param name="content">The canonical text.</param>
    /// <param name="problem">What is wrong with it.</param>
    public static bool TryNormalize(string json, DocumentKey key, [NotNullWhen(true)] out string? content, out string problem)
    {
        (content, problem) = (null, $"write one JSON object: no field twice, at most {Limits.Depth} levels, at most {Limits.MessageBytes} bytes");
        if (json.Length > Limits.MessageBytes || Encoding.UTF8.GetByteCount(json) > Limits.MessageBytes)
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(json, Options);
            if (document.RootElement.ValueKind is not JsonValueKind.Object)
            {
                return false;
            }

            content = Write(document.RootElement, key);
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            // InvalidOperationException and ArgumentException: half of a surrogate pair, escaped or not.
            return false;
        }
    }

    private static string Write(JsonElement root, DocumentKey key)
    {
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            writer.WriteStartObject();
            if (key.IsNamedInside)
            {
                writer.WriteString("name", key.Name);
            }

            foreach (var property in root.EnumerateObject().Where(property => property.Name is not ("name" or "etag" or "createTime" or "updateTime")))
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}

/// <summary>Times as Google's APIs write them, and as the database keeps them: microseconds since 1970.</summary>
internal static class Rfc3339
{
    public static string Write(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    public static long ToMicroseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset FromMicroseconds(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
