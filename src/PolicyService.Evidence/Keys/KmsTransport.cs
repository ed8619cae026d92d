using System.Net;
using System.Net.Http.Headers;
using PolicyService.Core;
using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// Carries one call to Cloud KMS and its answer: bounded in time and size, repeated where that may help and the budget allows, and every
/// way to fail told apart.
/// </summary>
internal sealed class KmsTransport(KmsEndpoint endpoint, AccessTokenSource? tokens, TimeSpan attemptTime, KeyMetrics metrics, TimeProvider time) : IDisposable
{
    /// <summary>Attempts of one call.</summary>
    public const int Attempts = 3;

    /// <summary>Before the second attempt; then twice that. A service that asks for more patience is not asked again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        // A redirection would carry the token to somewhere else.
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        // A proxy of the environment is not this machine.
        UseProxy = !endpoint.IsWithoutCredentials,
        MaxConnectionsPerServer = 16,
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    private readonly RetryBudget _budget = new();

    /// <returns>The body of a 200.</returns>
    /// <exception cref="KeyServiceException">There was none.</exception>
    public async Task<byte[]> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation)
    {
        _budget.Earn();
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await AttemptAsync(method, path, body, cancellation);
            if (outcome.Body is { } content)
            {
                return content;
            }

            var pause = outcome.RetryAfter ?? Pause * (1 << (attempt - 1)) * (0.5 + Random.Shared.NextDouble());
            if (outcome.Failure is not (KeyFailure.RateLimited or KeyFailure.ServerError) || attempt == Attempts || pause > LongestPause || !_budget.TrySpend())
            {
                throw new KeyServiceException(outcome.Failure);
            }

            metrics.CountRetry();
            await Task.Delay(pause, time, cancellation);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<Outcome> AttemptAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(attemptTime, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        var late = KeyFailure.NoCredentials;
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(endpoint.Url, path));
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PolicyService", "1"));
            if (tokens is not null)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await tokens(ending.Token));
            }

            late = KeyFailure.Timeout;
            if (body is not null)
            {
                request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            }

            using var response = await _http.SendAsync(request, ending.Token);
            return response.StatusCode is HttpStatusCode.OK ? await ReadAsync(response, ending.Token) : Refusal(response);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Outcome(late);
        }
        catch (KeyServiceException exception)
        {
            return new Outcome(exception.Failure);
        }
        catch (HttpRequestException exception)
        {
            return new Outcome(exception.HttpRequestError switch
            {
                HttpRequestError.SecureConnectionError => KeyFailure.Tls,
                HttpRequestError.InvalidResponse => KeyFailure.Malformed,
                HttpRequestError.ConfigurationLimitExceeded => KeyFailure.TooLarge,
                _ => KeyFailure.Connection,
            });
        }
    }

    /// <summary>Reads one byte more than is allowed, and no further: the length the server states is not believed.</summary>
    private static async Task<Outcome> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
            var buffer = new byte[Limits.KeyServiceReplyBytes + 1];
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            return length == buffer.Length ? new Outcome(KeyFailure.TooLarge) : new Outcome(default, Body: buffer[..length]);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            return new Outcome(KeyFailure.Malformed);
        }
    }

    private static Outcome Refusal(HttpResponseMessage response) => (int)response.StatusCode switch
    {
        401 => new Outcome(KeyFailure.Unauthenticated),
        403 => new Outcome(KeyFailure.PermissionDenied),
        404 => new Outcome(KeyFailure.NotFound),
        429 => new Outcome(KeyFailure.RateLimited, RetryAfter: response.Headers.RetryAfter?.Delta),
        >= 500 => new Outcome(KeyFailure.ServerError, RetryAfter: response.Headers.RetryAfter?.Delta),
        _ => new Outcome(KeyFailure.Refused),
    };

    private readonly record struct Outcome(KeyFailure Failure, byte[]? Body = null, TimeSpan? RetryAfter = null);
}
