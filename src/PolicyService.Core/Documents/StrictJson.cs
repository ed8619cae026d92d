using System.Text.Json;
using System.Text.Unicode;

namespace PolicyService.Core.Documents;

/// <summary>
/// Signed JSON, read strictly: every freedom in reading it is a chance that signer and verifier read two different things.
/// </summary>
internal static class StrictJson
{
    private static readonly JsonDocumentOptions Options = new()
    {
        AllowDuplicateProperties = false, // else the last one wins here, and maybe the first at the signer
        MaxDepth = Limits.Depth,
        CommentHandling = JsonCommentHandling.Disallow,
        AllowTrailingCommas = false,
    };

    /// <summary>What is wrong with the bytes, or else what <paramref name="read"/> says is; null if nothing.</summary>
    public static string? Read(ReadOnlySpan<byte> json, string what, Func<JsonElement, string?> read)
    {
        if (!Utf8.IsValid(json))
        {
            return $"{what} is not UTF-8";
        }

        try
        {
            using var document = JsonDocument.Parse(json.ToArray(), Options);
            return read(document.RootElement);
        }
        catch (JsonException)
        {
            return $"{what} is not strict JSON: one value, no byte order mark, no comments, no field twice, at most {Limits.Depth} levels";
        }
        catch (InvalidOperationException)
        {
            return $"{what} has half of a surrogate pair in a string"; // the reader says so only when asked for the text
        }
    }

    public static bool HasOnly(JsonElement element, params ReadOnlySpan<string> names)
    {
        if (element.ValueKind is not JsonValueKind.Object)
        {
            return false;
        }

        foreach (var property in element.EnumerateObject())
        {
            if (!names.Contains(property.Name))
            {
                return false;
            }
        }

        return true;
    }
}
