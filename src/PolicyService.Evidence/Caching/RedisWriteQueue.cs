using System.Threading.Channels;
using PolicyService.Core;

namespace PolicyService.Evidence.Caching;

/// <summary>Writes that wait their turn, bounded in number and bytes; what finds no room is dropped. One writer, one write at a time.</summary>
internal sealed class RedisWriteQueue : IAsyncDisposable
{
    private const int MaxWrites = 1024;

    private readonly CacheCounters _counters;
    private readonly Func<CacheKey, ReadOnlyMemory<byte>, TimeSpan, Task<bool>> _store;
    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(MaxWrites);
    private readonly Task _writing;
    private int _bytes;

    public RedisWriteQueue(CacheCounters counters, Func<CacheKey, ReadOnlyMemory<byte>, TimeSpan, Task<bool>> store)
    {
        (_counters, _store) = (counters, store);
        _writing = Task.Run(WriteAllAsync);
    }

    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="lifetime">When the server may forget it.</param>
    /// <param name="isOpen">Writes are of use now.</param>
    public void Offer(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime, bool isOpen)
    {
        var fits = value.Length is > 0 and <= Limits.SharedValueBytes && lifetime >= TimeSpan.FromMilliseconds(1);
        if (!isOpen || !fits || !TryTakeRoom(value.Length))
        {
            _counters.Count(CacheWrite.Dropped);
            return;
        }

        if (!_queue.Writer.TryWrite(new Pending(key, value, lifetime)))
        {
            Interlocked.Add(ref _bytes, -value.Length);
            _counters.Count(CacheWrite.Dropped);
        }
    }

    /// <summary>What still waits is dropped: it is a cache.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        while (_queue.Reader.TryRead(out _))
        {
            _counters.Count(CacheWrite.Dropped);
        }

        await _writing;
    }

    private bool TryTakeRoom(int length)
    {
        if (Interlocked.Add(ref _bytes, length) <= Limits.SharedWriteBytes)
        {
            return true;
        }

        Interlocked.Add(ref _bytes, -length);
        return false;
    }

    private async Task WriteAllAsync()
    {
        await foreach (var pending in _queue.Reader.ReadAllAsync())
        {
            var isStored = false;
            try
            {
                isStored = await _store(pending.Key, pending.Value, pending.Lifetime);
            }
            catch (OperationCanceledException)
            {
                // The service stops.
            }

            _counters.Count(isStored ? CacheWrite.Stored : CacheWrite.Failed);
            Interlocked.Add(ref _bytes, -pending.Value.Length);
        }
    }

    private readonly record struct Pending(CacheKey Key, ReadOnlyMemory<byte> Value, TimeSpan Lifetime);
}
