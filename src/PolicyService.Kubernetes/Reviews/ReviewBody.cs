using System.Text.Json;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>The bytes of a review.</summary>
/// <param name="Bytes">All of it, or its beginning.</param>
/// <param name="Problem">Why it is not to be judged; null: nothing is wrong so far.</param>
internal sealed record ReviewBody(ReadOnlyMemory<byte> Bytes, ReviewProblem? Problem)
{
    /// <summary>Longest review; bytes. An object in etcd has at most 1.5 MB, and an update sends two.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    // Whoever still sends does not read the answer: this much more is read and dropped first.
    private const int MaxDroppedBytes = 32 * 1024 * 1024;
    private const int MaxUidCharacters = 256;
    private const string JsonType = "application/json";

    /// <summary>Reads the body of a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Its time ran out, or the cluster went away.</param>
    public static async Task<ReviewBody> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (!IsJson(request, out var unread))
        {
            return new ReviewBody(default, unread);
        }

        using var kept = new MemoryStream((int)Math.Clamp(request.ContentLength ?? 0, 0, MaxBytes));
        var buffer = new byte[64 * 1024];
        var dropped = 0L;
        try
        {
            int read;
            while (dropped < MaxDroppedBytes && (read = await request.Body.ReadAsync(buffer, cancellation)) > 0)
            {
                var taken = (int)Math.Min(read, MaxBytes - kept.Length);
                kept.Write(buffer, 0, taken);
                dropped += read - taken;
            }
        }
        catch (BadHttpRequestException exception)
        {
            return new ReviewBody(kept.GetBuffer().AsMemory(0, (int)kept.Length), ReviewProblem.Malformed($"the review could not be read: {PlainText.Line(exception.Message, 200)}"));
        }
        catch (OperationCanceledException) when (!request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return new ReviewBody(kept.GetBuffer().AsMemory(0, (int)kept.Length), ReviewProblem.Late($"only {kept.Length} bytes of the review arrived within the webhook's timeout: raise timeoutSeconds, or look for what slows the way to the adapter"));
        }

        return new ReviewBody(kept.GetBuffer().AsMemory(0, (int)kept.Length), dropped > 0
            ? ReviewProblem.TooLarge($"the review has more than {MaxBytes} bytes, the most that is read: make the object smaller")
            : null);
    }

    /// <summary>The uid of the request, which stands early, also of a review that is cut, malformed or too long; empty: there is none.</summary>
    public string FindUid()
    {
        var reader = new Utf8JsonReader(Bytes.Span, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = 1000 }));
        var isInRequest = false;
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is not JsonTokenType.PropertyName || reader.CurrentDepth > 2)
                {
                    continue;
                }

                if (reader.CurrentDepth == 1)
                {
                    isInRequest = reader.ValueTextEquals("request");
                }
                else if (isInRequest && reader.ValueTextEquals("uid"))
                {
                    return reader.Read() && reader.TokenType is JsonTokenType.String && reader.GetString() is { Length: <= MaxUidCharacters } uid ? uid : "";
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // It is malformed before any uid.
        }

        return "";
    }

    private static bool IsJson(HttpRequest request, out ReviewProblem? problem)
    {
        var type = request.ContentType ?? "";
        var isJson = type.Split(';')[0].Trim().Equals(JsonType, StringComparison.OrdinalIgnoreCase);
        var isPlain = request.Headers.ContentEncoding.All(encoding => encoding is null or "" or "identity");
        problem = isJson && isPlain ? null : new ReviewProblem(
            StatusCodes.Status415UnsupportedMediaType,
            "UnsupportedMediaType",
            isJson ? $"the content encoding `{PlainText.Line(request.Headers.ContentEncoding.ToString(), 80)}` is not read: send the review as it is"
                : $"the content type `{PlainText.Line(type, 80)}` is not read: send {JsonType}");
        return problem is null;
    }
}
