using System.Text.Json;
using System.Text.Unicode;
using PolicyService.Core;

namespace PolicyService.Evidence.Grafeas;

/// <summary>One page of a list of occurrences (REST, v1): <c>{occurrences, nextPageToken}</c>. Fields of another kind are no page.</summary>
internal sealed class OccurrencePage : IDisposable
{
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };
    private readonly JsonDocument _document;

    private OccurrencePage(JsonDocument document) => _document = document;

    public int Count { get; private set; }

    public IEnumerable<JsonElement> Occurrences => Count == 0 ? [] : _document.RootElement.GetProperty("occurrences").EnumerateArray();

    /// <summary>Empty: there is no further page.</summary>
    public string NextToken { get; private set; } = "";

    /// <summary>The service left out what it could not reach.</summary>
    public bool IsPartial { get; private set; }

    /// <returns>Null: it is no page.</returns>
    public static OccurrencePage? Read(ReadOnlyMemory<byte> body)
    {
        if (!Utf8.IsValid(body.Span))
        {
            return null;
        }

        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(body, Reading);
            var page = new OccurrencePage(document);
            if (page.ReadFields(document.RootElement))
            {
                document = null;
                return page;
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or text in it that is none.
        }
        finally
        {
            document?.Dispose();
        }

        return null;
    }

    public void Dispose() => _document.Dispose();

    private bool ReadFields(JsonElement root)
    {
        if (root.ValueKind is not JsonValueKind.Object || !TryList(root, "occurrences", out var count) || !TryList(root, "unreachable", out var unreachable))
        {
            return false;
        }

        (Count, IsPartial) = (count, unreachable > 0);
        if (!root.TryGetProperty("nextPageToken", out var token) || token.ValueKind is JsonValueKind.Null)
        {
            return true;
        }

        NextToken = token.ValueKind is JsonValueKind.String ? token.GetString()! : "";
        return token.ValueKind is JsonValueKind.String && System.Text.Encoding.UTF8.GetByteCount(NextToken) <= Limits.PageTokenBytes;
    }

    /// <summary>A list, or none: proto3 JSON leaves an empty one out.</summary>
    private static bool TryList(JsonElement root, string field, out int count)
    {
        var isThere = root.TryGetProperty(field, out var list) && list.ValueKind is not JsonValueKind.Null;
        count = isThere && list.ValueKind is JsonValueKind.Array ? list.GetArrayLength() : 0;
        return !isThere || list.ValueKind is JsonValueKind.Array;
    }
}
