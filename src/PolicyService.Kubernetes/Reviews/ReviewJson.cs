using System.Text.Encodings.Web;
using System.Text.Json;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>How reviews are read and written.</summary>
internal static class ReviewJson
{
    /// <summary>Deepest nesting that is read (SEMANTICS section 7).</summary>
    public const int MaxDepth = 64;

    /// <summary>
    /// Most values, names and brackets that are read. Each costs as much memory again as some ten bytes of text, so that a review of the greatest length
    /// which is made of nothing else would take hundreds of megabytes; objects of the greatest size that a cluster stores have a third of this.
    /// </summary>
    public const int MaxTokens = 500_000;

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
            Count(bytes);
            return JsonElement.Parse(bytes, Strict);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ReviewException(ReviewProblem.Malformed(
                $"the review is not the JSON that is read (no name twice in an object, at most {MaxDepth} levels): {PlainText.Line(exception.Message, 300)}"));
        }
    }

    private static void Count(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxDepth });
        for (var tokens = 0; reader.Read(); tokens++)
        {
            if (tokens == MaxTokens)
            {
                throw new ReviewException(ReviewProblem.TooLarge($"the review has more than {MaxTokens} values, the most that are read: make the object smaller"));
            }
        }
    }
}
