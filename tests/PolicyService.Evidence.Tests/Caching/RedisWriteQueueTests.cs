using PolicyService.Core;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

public sealed class RedisWriteQueueTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);
    private readonly CacheCounters _counters = new();

    [Fact]
    public async Task Waiting_writes_are_bounded_in_bytes_and_number()
    {
        var release = new TaskCompletionSource<bool>();
        await using var queue = new RedisWriteQueue(_counters, (_, _, _) => release.Task);
        for (var index = 0; index < 100; index++)
        {
            queue.Offer(Key(index), new byte[Limits.SharedValueBytes], Lifetime, isOpen: true);
        }

        // Eight of one MiB have room, whether they wait or are being written.
        Assert.Equal(92, _counters.Of(CacheWrite.Dropped));
        release.SetResult(true);
        await Eventually.Holds("they are stored", () => _counters.Of(CacheWrite.Stored) == 8);

        queue.Offer(Key(0), new byte[Limits.SharedValueBytes], Lifetime, isOpen: true);
        await Eventually.Holds("there is room again", () => _counters.Of(CacheWrite.Stored) == 9);
    }

    [Fact]
    public async Task Small_writes_are_bounded_in_number()
    {
        var release = new TaskCompletionSource<bool>();
        await using var queue = new RedisWriteQueue(_counters, (_, _, _) => release.Task);
        for (var index = 0; index < 5000; index++)
        {
            queue.Offer(Key(index), new byte[1], Lifetime, isOpen: true);
        }

        Assert.InRange(_counters.Of(CacheWrite.Dropped), 5000 - 1024 - 1, 5000 - 1024);
        release.SetResult(false);
        await Eventually.Holds("all are told", () => _counters.Of(CacheWrite.Dropped) + _counters.Of(CacheWrite.Failed) == 5000);
    }

    [Theory]
    [InlineData(0, 60_000, true)]
    [InlineData(Limits.SharedValueBytes + 1, 60_000, true)]
    [InlineData(1, 0, true)]
    [InlineData(1, -1, true)]
    [InlineData(1, 60_000, false)]
    public async Task Write_of_no_use_is_dropped(int length, int lifetime, bool isOpen)
    {
        await using var queue = new RedisWriteQueue(_counters, (_, _, _) => throw new InvalidOperationException("nothing is to be written"));

        queue.Offer(Key(1), new byte[length], TimeSpan.FromMilliseconds(lifetime), isOpen);

        Assert.Equal(1, _counters.Of(CacheWrite.Dropped));
    }

    private static CacheKey Key(int number) => CacheKey.Of("key", $"{number}");
}
