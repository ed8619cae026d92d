using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// Carries one question to one host: no more at once than the host's places, each attempt bounded in time, what it is shown found out on
/// the way, repeated where that may help and the host's budget allows.
/// </summary>
/// <param name="attempt">Time for one attempt: tokens, redirections and body and all.</param>
/// <param name="metrics">Counts retries.</param>
/// <param name="time">The clock.</param>
internal sealed class RegistryTransport(TimeSpan attempt, RegistryMetrics metrics, TimeProvider time)
{
    /// <summary>Attempts at one question.</summary>
    public const int Attempts = 3;

    /// <summary>Requests of one attempt: with nothing or a token of before, with a new one, with one of another credential.</summary>
    private const int Turns = 3;

    /// <summary>Before the second attempt; then twice that.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>A host that asks for more patience is not asked again within the question.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>What the host answers; <see cref="RemoteFailure.Timeout"/> too where the caller's time ended.</summary>
    public async Task<RegistryReply> SendAsync(RegistryEndpoint endpoint, RegistryRequest request, int attempts, CancellationToken cancellation)
    {
        try
        {
            return await RepeatAsync(endpoint, request, attempts, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return RegistryReply.Failed(RemoteFailure.Timeout);
        }
    }

    private async Task<RegistryReply> RepeatAsync(RegistryEndpoint endpoint, RegistryRequest request, int attempts, CancellationToken cancellation)
    {
        endpoint.Limits.Retries.Earn();
        for (var number = 1; ; number++)
        {
            var reply = await AttemptAsync(endpoint, request, cancellation);
            var pause = reply.RetryAfter ?? Pause * (1 << (number - 1)) * (0.5 + Random.Shared.NextDouble());
            if (!reply.MayHeal)
            {
                return reply;
            }

            if (number >= attempts || pause > LongestPause || !endpoint.Limits.Retries.TrySpend())
            {
                if (reply.RetryAfter is { } rest)
                {
                    endpoint.Limits.Leave(reply.Failure, rest);
                }

                return reply;
            }

            metrics.CountRetry();
            await Task.Delay(pause, time, cancellation);
        }
    }

    private async Task<RegistryReply> AttemptAsync(RegistryEndpoint endpoint, RegistryRequest request, CancellationToken cancellation)
    {
        await endpoint.Limits.Places.WaitAsync(cancellation);
        try
        {
            if (endpoint.Limits.Rest is var rest && rest is not RemoteFailure.None)
            {
                // Nothing was asked, so there is nothing to ask again.
                return new RegistryReply { Failure = rest, IsLeftAlone = true };
            }

            using var timer = new CancellationTokenSource(attempt, time);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
            return await AuthorizedAsync(endpoint, request, ending.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return RegistryReply.Failed(RemoteFailure.Timeout);
        }
        finally
        {
            endpoint.Limits.Places.Release();
        }
    }

    private async Task<RegistryReply> AuthorizedAsync(RegistryEndpoint endpoint, RegistryRequest request, CancellationToken cancellation)
    {
        var shown = await endpoint.Authorizer.RememberedAsync(request.Repository, cancellation);
        var isRemembered = true;
        for (var turn = 1; ; turn++)
        {
            var reply = await RegistryExchange.GetAsync(endpoint, request, shown, time.GetUtcNow(), cancellation);
            if (reply.Failure is not RemoteFailure.Unauthenticated || reply.Challenges.Count == 0 || turn == Turns)
            {
                return reply;
            }

            var answer = await endpoint.Authorizer.AnswerAsync(request.Repository, reply.Challenges, shown, isRefused: !isRemembered, cancellation);
            if (answer.Header is null)
            {
                return RegistryReply.Failed(answer.Failure);
            }

            (shown, isRemembered) = (answer.Header, false);
        }
    }
}
