using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>Places that callers share: nobody holds them all, everybody has a turn.</summary>
public sealed class FairPlacesTests
{
    private readonly FairPlaces _places = new(8);

    [Fact]
    public void One_caller_never_holds_the_last_places()
    {
        var noisy = Enumerable.Range(0, 20).Select(_ => EnterAsync("noisy")).ToArray();

        Assert.Equal(6, noisy.Count(one => one.IsCompletedSuccessfully));
        Assert.True(EnterAsync("quiet").IsCompletedSuccessfully);
        Assert.True(EnterAsync("other").IsCompletedSuccessfully);
        Assert.False(EnterAsync("third").IsCompleted);
    }

    [Fact]
    public void The_anonymous_caller_is_everybody_and_may_hold_them_all()
    {
        var all = Enumerable.Range(0, 9).Select(_ => EnterAsync(Caller.Anonymous.Name)).ToArray();

        Assert.Equal(8, all.Count(one => one.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task A_place_that_frees_goes_to_each_caller_in_turn()
    {
        string[] callers = ["a", "b"];
        foreach (var caller in callers)
        {
            Assert.All(Enumerable.Range(0, 4), _ => Assert.True(EnterAsync(caller).IsCompletedSuccessfully));
        }

        var order = new List<string>();
        var noisy = Enumerable.Range(0, 100).Select(_ => WaitAsync("noisy")).ToArray();
        var quiet = WaitAsync("quiet");
        for (var number = 0; number < 3; number++)
        {
            var seen = order.Count;
            _places.Leave("a");
            await Eventually.Holds("somebody has the place", () => Count() > seen);
        }

        Assert.Contains("quiet", order.Take(2));
        await quiet;

        async Task WaitAsync(string caller)
        {
            await EnterAsync(caller);
            lock (order)
            {
                order.Add(caller);
            }
        }

        int Count()
        {
            lock (order)
            {
                return order.Count;
            }
        }
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_line_and_holds_nothing()
    {
        var holding = Enumerable.Range(0, 8).Select(number => EnterAsync($"{number}")).ToArray();
        Assert.All(holding, one => Assert.True(one.IsCompletedSuccessfully));
        using var patience = new CancellationTokenSource();
        var first = _places.EnterAsync("late", patience.Token);
        var second = EnterAsync("later");

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _places.Leave("0");

        await second.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Places_are_neither_lost_nor_made_when_many_come_wait_and_give_up()
    {
        var (inside, most) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async number =>
        {
            for (var round = 0; round < 500; round++)
            {
                using var patience = new CancellationTokenSource();
                var entering = _places.EnterAsync($"{number % 3}", patience.Token);
                if (round % 3 == 0)
                {
                    await patience.CancelAsync();
                }

                try
                {
                    await entering;
                }
                catch (OperationCanceledException)
                {
                    continue;
                }

                var now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                _places.Leave($"{number % 3}");
            }
        }));

        Assert.InRange(most, 1, 8);
        Assert.All(Enumerable.Range(0, 6), _ => Assert.True(EnterAsync("last").IsCompletedSuccessfully));
        Assert.All(Enumerable.Range(0, 2), _ => Assert.True(EnterAsync("very last").IsCompletedSuccessfully));
    }

    private Task EnterAsync(string caller) => _places.EnterAsync(caller, CancellationToken.None);

    private static void InterlockedMax(ref int most, int now)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < now && Interlocked.CompareExchange(ref most, now, seen) != seen)
        {
            // Another one was faster.
        }
    }
}
