using PolicyService.Core;
using StackExchange.Redis;

namespace PolicyService.Evidence.Caching;

/// <summary>Single calls of Redis, bounded in time, length and number. What goes wrong there comes back as an outcome.</summary>
internal sealed class RedisCalls(RedisSettings settings, TimeProvider time)
{
    /// <summary>Reads under way; the next is skipped. A Redis that hangs must not collect requests.</summary>
    private const int MaxReads = 512;

    // Only a cluster may send us on; anybody else who does lies.
    private readonly CommandFlags _flags = settings.IsCluster ? CommandFlags.None : CommandFlags.NoRedirect;
    private int _reading;

    /// <summary>One round trip. Throws for the caller's cancellation only.</summary>
    public async ValueTask<(CacheOutcome Outcome, ReadOnlyMemory<byte> Value)> ReadAsync(
        IConnectionMultiplexer multiplexer, RedisKey key, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _reading) > MaxReads)
        {
            Interlocked.Decrement(ref _reading);
            return (CacheOutcome.Skipped, default);
        }

        try
        {
            ReadOnlyMemory<byte> value = (byte[]?)await Begin(multiplexer, key).WaitAsync(settings.OperationTimeout, time, cancellation);
            return value.Length switch
            {
                0 => (CacheOutcome.Miss, default),
                > Limits.SharedValueBytes => (CacheOutcome.Lie, default),
                _ => (CacheOutcome.Hit, value),
            };
        }
        catch (TimeoutException)
        {
            return (CacheOutcome.Timeout, default);
        }
        catch (Exception exception) when (IsOfRedis(exception, cancellation))
        {
            return (CacheOutcome.Error, default);
        }
    }

    /// <returns>False: the server refuses; null: it does not answer.</returns>
    public async Task<bool?> WriteAsync(
        IConnectionMultiplexer multiplexer, RedisKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellation)
    {
        try
        {
            var storing = multiplexer.GetDatabase().StringSetAsync(key, value, WholeSeconds(lifetime), When.Always, _flags);
            _ = storing.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            // Nobody waits for a write, so it may take longer than a read.
            return await storing.WaitAsync(settings.OperationTimeout * 5, time, cancellation);
        }
        catch (RedisServerException)
        {
            return false;
        }
        catch (Exception exception) when (IsOfRedis(exception, cancellation))
        {
            return null;
        }
    }

    /// <summary>Does something whose failure the reads and the probes will tell of.</summary>
    public static async Task TryAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception exception) when (IsOfRedis(exception, CancellationToken.None))
        {
            // As said.
        }
    }

    /// <summary>Of whole seconds the library makes one command (SETEX), of others another. A value's true lifetime is under its seal.</summary>
    private static TimeSpan WholeSeconds(TimeSpan lifetime) => TimeSpan.FromSeconds(Math.Ceiling(lifetime.TotalSeconds));

    /// <summary>A real server sends one byte over the limit at most; what a lying one sends is bounded by the guard on the connection.</summary>
    private Task<RedisValue> Begin(IConnectionMultiplexer multiplexer, RedisKey key)
    {
        Task<RedisValue> reading;
        try
        {
            reading = multiplexer.GetDatabase().StringGetRangeAsync(key, 0, Limits.SharedValueBytes, _flags);
        }
        catch (Exception exception) when (IsOfRedis(exception, CancellationToken.None))
        {
            reading = Task.FromException<RedisValue>(exception);
        }

        // At the end of the read, not of the waiting for it.
        _ = reading.ContinueWith(
            ended =>
            {
                _ = ended.Exception;
                Interlocked.Decrement(ref _reading);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return reading;
    }

    /// <summary>
    /// Everything but the caller's own cancellation: a server that lies can make the client library throw what it likes, and none of it
    /// may end a request.
    /// </summary>
    private static bool IsOfRedis(Exception exception, CancellationToken cancellation) =>
        exception is not OperationCanceledException || !cancellation.IsCancellationRequested;
}
