using System.Text.Encodings.Web;
using System.Text.Json;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>How reviews are read and written.</summary>
internal static class ReviewJson
{
    /// <summary>Deepest nesting that is read (SEMANTICS section 7).</summary>
    public const int MaxDepth = 64;

    /// <summary>The answers are JSON and nothing else; people read them.</summary>
    public static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Of two fields with one name another reader could take the other one.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    /// <exception cref="ReviewException">It is no JSON that is read.</exception>
    public static JsonElement Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            throw new ReviewException(ReviewProblem.Malformed("the review has no body: send it as JSON"));
        }

        try
        {
            return JsonElement.Parse(bytes, Strict);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ReviewException(ReviewProblem.Malformed(
                $"the review is not the JSON that is read (no name twice in an object, at most {MaxDepth} levels): {PlainText.Line(exception.Message, 300)}"));
        }
    }
}
