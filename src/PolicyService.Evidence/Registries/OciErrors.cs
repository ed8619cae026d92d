using System.Text.Json;
using PolicyService.Core;

namespace PolicyService.Evidence.Registries;

/// <summary>Errors as registries write them (OCI distribution specification, "Error Codes").</summary>
internal static class OciErrors
{
    // NOT_FOUND is Harbor's. NAME_UNKNOWN is not among them: that there is no such repository is nothing that is known of an image.
    private static readonly string[] Absences = ["MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"];

    /// <summary>
    /// Whether a 404 comes of a registry that has the repository and not this content: it names errors, and each says so. Any other 404
    /// is some other server's, or a proxy's, and says nothing.
    /// </summary>
    public static bool SayNotThere(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = Limits.Depth, AllowDuplicateProperties = false });
            return json.RootElement.ValueKind is JsonValueKind.Object
                && json.RootElement.TryGetProperty("errors", out var errors)
                && errors.ValueKind is JsonValueKind.Array
                && errors.GetArrayLength() > 0
                && errors.EnumerateArray().All(error => error.ValueKind is JsonValueKind.Object
                    && error.TryGetProperty("code", out var code)
                    && code.ValueKind is JsonValueKind.String
                    && Absences.Contains(code.GetString()));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is no UTF-16.
            return false;
        }
    }
}
