using System.Globalization;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Grafeas;

/// <summary>
/// Container Analysis over REST, v1: the two lists that decisions need. Lists are bounded in pages, entries, bytes and time, and nothing
/// that goes wrong on the way is ever "none". One for each endpoint. Thread-safe.
/// </summary>
public sealed class ContainerAnalysisClient : IDisposable
{
    /// <summary>Entries asked for in one page.</summary>
    internal const int PageSize = 100;

    /// <summary>A service that asks for more patience is not asked again within the question.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>How long a service that asks to be left alone is, at most: so long an error may answer for it.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    private readonly ApiTransport _transport;
    private readonly TimeProvider _time;
    private Rest? _rest;

    /// <param name="endpoint">Where it answers.</param>
    /// <param name="attempt">Time for one attempt at one page, credentials and all.</param>
    /// <param name="metrics">Counts calls and retries.</param>
    /// <param name="time">Measures the time of attempts.</param>
    public ContainerAnalysisClient(ContainerAnalysisEndpoint endpoint, TimeSpan attempt, RemoteMetrics metrics, TimeProvider time)
        : this(endpoint, endpoint.TakesGoogleCredentials ? new GoogleCredentials(endpoint.Url, GoogleCredentials.CloudPlatformScope).GetTokenAsync : null, attempt, metrics, time)
    {
    }

    internal ContainerAnalysisClient(ContainerAnalysisEndpoint endpoint, AccessTokenSource? tokens, TimeSpan attempt, RemoteMetrics metrics, TimeProvider time) =>
        (_transport, _time) = (new ApiTransport(new ApiSettings(endpoint.Url, tokens, attempt, LongestPause, metrics.CountRetry), time), time);

    public void Dispose() => _transport.Dispose();

    /// <param name="question">What is asked; its endpoint is this one.</param>
    /// <param name="cancellation">The end of the time for all pages.</param>
    internal async Task<RemoteList> ListAsync(ContainerAnalysisQuestion question, CancellationToken cancellation)
    {
        var (found, seen, tokens) = (new List<RemoteItem>(), 0, new HashSet<string>(StringComparer.Ordinal));
        var (left, token) = (Limits.OccurrenceListBytes, "");
        for (var page = 0; page < Limits.OccurrenceListPages; page++)
        {
            var outcome = await CallAsync(PathOf(question, token), left, cancellation);
            if (outcome.Body is not { } body)
            {
                return outcome.Failure is CallFailure.TooLarge ? new RemoteList(found, true, default) : new RemoteList(found, false, Of(outcome.Failure));
            }

            using var read = OccurrencePage.Read(body);
            if (read is null)
            {
                return new RemoteList(found, false, RemoteFailure.Malformed);
            }

            (left, seen) = (left - body.Length, seen + read.Count);
            found.AddRange(read.Occurrences.Take(Limits.SignaturesPerDigest - (seen - read.Count)).Select(element => RemoteOccurrence.Read(element, question.Parent, question.Digest)).OfType<RemoteItem>());
            if (seen > Limits.SignaturesPerDigest)
            {
                return new RemoteList(found, true, default);
            }

            if (read.IsPartial)
            {
                return new RemoteList(found, false, RemoteFailure.Partial);
            }

            token = read.NextToken;
            if (token.Length == 0)
            {
                return new RemoteList(found, false, default);
            }

            if (!tokens.Add(token))
            {
                return new RemoteList(found, false, RemoteFailure.Circular);
            }
        }

        return new RemoteList(found, true, default);
    }

    private static string PathOf(ContainerAnalysisQuestion question, string token) =>
        $"{question.Path}&pageSize={PageSize.ToString(CultureInfo.InvariantCulture)}{(token.Length == 0 ? "" : $"&pageToken={Uri.EscapeDataString(token)}")}";

    private static RemoteFailure Of(CallFailure failure) => failure switch
    {
        CallFailure.NoCredentials => RemoteFailure.NoCredentials,
        CallFailure.CredentialsUnreachable => RemoteFailure.CredentialsUnreachable,
        CallFailure.Unauthenticated => RemoteFailure.Unauthenticated,
        CallFailure.PermissionDenied => RemoteFailure.PermissionDenied,
        CallFailure.NotFound => RemoteFailure.NotFound,
        CallFailure.RateLimited => RemoteFailure.RateLimited,
        CallFailure.ServerError => RemoteFailure.ServerError,
        CallFailure.Refused => RemoteFailure.Refused,
        CallFailure.Timeout => RemoteFailure.Timeout,
        CallFailure.Connection => RemoteFailure.Connection,
        CallFailure.Tls => RemoteFailure.Tls,
        CallFailure.Truncated => RemoteFailure.Truncated,
        _ => RemoteFailure.Malformed,
    };

    private async Task<CallOutcome> CallAsync(string path, int maxBytes, CancellationToken cancellation)
    {
        if (Volatile.Read(ref _rest) is { } rest && _time.GetElapsedTime(rest.Since) < rest.Length)
        {
            return new CallOutcome(rest.Failure);
        }

        try
        {
            var outcome = await _transport.SendAsync(HttpMethod.Get, path, null, maxBytes, cancellation);
            var isAsked = outcome is { Failure: CallFailure.RateLimited or CallFailure.ServerError, RetryAfter: { } };
            Volatile.Write(ref _rest, isAsked ? new Rest(outcome.Failure, _time.GetTimestamp(), outcome.RetryAfter < LongestRest ? outcome.RetryAfter.Value : LongestRest) : null);
            return outcome;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return new CallOutcome(CallFailure.Timeout);
        }
    }

    /// <summary>The service asked to be left alone.</summary>
    private sealed record Rest(CallFailure Failure, long Since, TimeSpan Length);
}
