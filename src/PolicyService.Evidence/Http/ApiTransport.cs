using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Evidence.Http;

/// <summary>What differs between the services that are called.</summary>
/// <param name="Url">The base of every call; ends with a slash.</param>
/// <param name="Tokens">Gives credentials; null: none are sent.</param>
/// <param name="AttemptTime">Time for one attempt, credentials and body and all.</param>
/// <param name="LongestPause">A service that asks for more patience than this is not asked again.</param>
/// <param name="OnRetry">Told of each call that is repeated.</param>
internal sealed record ApiSettings(Uri Url, AccessTokenSource? Tokens, TimeSpan AttemptTime, TimeSpan LongestPause, Action OnRetry);

/// <summary>
/// Carries one call to a service over HTTP and its answer: bounded in time and size, repeated where that may help and the budget allows,
/// and every way to fail told apart. One for each service, so that all who call it share its budget. Thread-safe.
/// </summary>
internal sealed class ApiTransport(ApiSettings settings, TimeProvider time) : IDisposable
{
    /// <summary>Calls under way at once; further ones wait for one to end.</summary>
    public const int Connections = 64;

    /// <summary>Attempts of one call.</summary>
    public const int Attempts = 3;

    /// <summary>Before the second attempt; then twice that.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        // A redirection would carry the token to somewhere else.
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        // A proxy of the environment is not this machine.
        UseProxy = settings.Url.Scheme == Uri.UriSchemeHttps,
        MaxConnectionsPerServer = Connections,
        // A certificate names addresses to fetch others from. Whoever presents it must not choose where this service connects to.
        SslOptions = { CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck } },
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    private readonly RetryBudget _budget = new();

    /// <param name="method">The method.</param>
    /// <param name="path">The path below the base, its query among it.</param>
    /// <param name="body">JSON; null: none.</param>
    /// <param name="maxBytes">The longest answer; bytes.</param>
    /// <param name="cancellation">The end of the time for all attempts.</param>
    /// <exception cref="OperationCanceledException">That time ended.</exception>
    public async Task<CallOutcome> SendAsync(HttpMethod method, string path, byte[]? body, int maxBytes, CancellationToken cancellation)
    {
        _budget.Earn();
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await AttemptAsync(method, path, body, maxBytes, cancellation);
            var pause = outcome.RetryAfter ?? Pause * (1 << (attempt - 1)) * (0.5 + Random.Shared.NextDouble());
            if (outcome.Failure is not (CallFailure.RateLimited or CallFailure.ServerError) || attempt == Attempts || pause > settings.LongestPause || !_budget.TrySpend())
            {
                return outcome;
            }

            settings.OnRetry();
            await Task.Delay(pause, time, cancellation);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<CallOutcome> AttemptAsync(
        HttpMethod method, string path, byte[]? body, int maxBytes, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(settings.AttemptTime, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        var late = CallFailure.CredentialsUnreachable;
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(settings.Url, path));
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PolicyService", "1"));
            if (settings.Tokens is not null)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await settings.Tokens(ending.Token));
            }

            late = CallFailure.Timeout;
            if (body is not null)
            {
                request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            }

            using var response = await _http.SendAsync(request, ending.Token);
            return response.StatusCode is HttpStatusCode.OK ? await BoundedBody.ReadAsync(response, maxBytes, ending.Token) : Refusal(response);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new CallOutcome(late);
        }
        catch (CredentialsException exception)
        {
            return new CallOutcome(exception.Failure);
        }
        catch (HttpRequestException exception)
        {
            return new CallOutcome(exception.HttpRequestError switch
            {
                HttpRequestError.SecureConnectionError => CallFailure.Tls,
                HttpRequestError.InvalidResponse => CallFailure.Malformed,
                HttpRequestError.ConfigurationLimitExceeded => CallFailure.TooLarge,
                _ => CallFailure.Connection,
            });
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };

    private CallOutcome Refusal(HttpResponseMessage response) => new(FailureOf((int)response.StatusCode), RetryAfter: RetryAfter(response));

    private static CallFailure FailureOf(int status) => status switch
    {
        401 => CallFailure.Unauthenticated,
        403 => CallFailure.PermissionDenied,
        404 => CallFailure.NotFound,
        429 => CallFailure.RateLimited,
        >= 500 => CallFailure.ServerError,
        _ => CallFailure.Refused,
    };
}
