namespace PolicyService.Cli.Doctor;

/// <summary>Hears the time that the API server says with its answers. HTTP dates are whole seconds, so it is right to two.</summary>
internal sealed class ApiServerClock(TimeProvider time) : DelegatingHandler
{
    /// <summary>Most bytes of one answer: 500 pods of the largest size would be more, and are refused.</summary>
    private const long MostBytes = 256 * 1024 * 1024;

    /// <summary>How far it is ahead of ours; null: it did not say.</summary>
    public TimeSpan? Ahead { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.Headers.Date is { } date)
        {
            // Compared with the time after the answer: a slow answer makes it look behind, and a slow one only.
            var ahead = date - time.GetUtcNow();
            Ahead = Ahead is { } known && known.Duration() < ahead.Duration() ? known : ahead;
        }

        await response.Content.LoadIntoBufferAsync(MostBytes, cancellationToken);
        return response;
    }
}
