namespace PolicyService.Evidence.Http;

/// <summary>Reads bodies of answers whose senders are not trusted.</summary>
internal static class BoundedBody
{
    /// <summary>Reads one byte more than is allowed, and no further: the length the server states is not believed.</summary>
    /// <param name="response">Its body is not decompressed: what is counted is what came.</param>
    /// <param name="maxBytes">The longest body.</param>
    /// <param name="cancellation">The end of the patience.</param>
    /// <returns>The body, <see cref="CallFailure.TooLarge"/> or <see cref="CallFailure.Truncated"/>.</returns>
    public static async Task<CallOutcome> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellation)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
            using var body = new MemoryStream();
            var buffer = new byte[Math.Min(maxBytes + 1, 64 * 1024)];
            while (body.Length <= maxBytes)
            {
                var length = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, maxBytes + 1 - body.Length)), cancellation);
                if (length == 0)
                {
                    return new CallOutcome(default, body.ToArray());
                }

                body.Write(buffer, 0, length);
            }

            return new CallOutcome(CallFailure.TooLarge);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            return new CallOutcome(CallFailure.Truncated);
        }
    }
}
