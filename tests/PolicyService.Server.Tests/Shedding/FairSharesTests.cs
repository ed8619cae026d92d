using PolicyService.Server.Shedding;

namespace PolicyService.Server.Tests.Shedding;

public sealed class FairSharesTests
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("alone, too much", new double[] { 300 }, 100, 100)]
    [InlineData("alone, less than there is", new double[] { 60 }, 100, 100)]
    [InlineData("what one leaves is the other's", new double[] { 20, 300 }, 100, 80)]
    [InlineData("both too much", new double[] { 200, 300 }, 100, 50)]
    [InlineData("two leave something", new double[] { 10, 20, 100, 100 }, 100, 35)]
    [InlineData("nobody asks", new double[] { 0, 0 }, 100, 100)]
    [InlineData("nobody", new double[] { }, 100, 100)]
    public void Level_gives_all_the_same_but_who_asks_for_less(string name, double[] demands, double limit, double level) =>
        Assert.True(Math.Abs(level - FairShares.Level(demands, limit)) < 1e-9, name);

    [Fact]
    public void A_batch_larger_than_what_can_be_saved_is_let_in_and_worked_off()
    {
        var shares = new FairShares();
        shares.TryTake("alice", 100);
        shares.Count(Look);
        shares.Divide(limit: 1000, Look);
        for (var look = 0; look < 30; look++)
        {
            shares.Count(Look);
            shares.Divide(limit: 1000, Look);
        }

        Assert.True(shares.TryTake("alice", 500));
        Assert.False(shares.TryTake("alice", 1));
        var looks = 0;
        for (; !shares.TryTake("alice", 1); looks++)
        {
            shares.Count(Look);
            shares.Divide(limit: 1000, Look);
        }

        // Of 500 images 200 were saved up; 300 take 300 ms.
        Assert.InRange(looks, 5, 8);
    }

    [Fact]
    public void Many_callers_are_told_apart_up_to_a_bound_and_the_rest_share()
    {
        var shares = new FairShares();
        for (var caller = 0; caller < 2 * Core.Limits.Callers; caller++)
        {
            Assert.True(shares.TryTake($"caller {caller}", 1));
        }

        shares.Count(Look);
        shares.Divide(limit: 1000, Look);
        Assert.True(shares.TryTake("one more", 500));
        Assert.False(shares.TryTake("and another", 1));
        Assert.True(shares.TryTake("caller 0", 1));
    }

    [Fact]
    public void An_idle_caller_is_forgotten_and_makes_room()
    {
        var shares = new FairShares();
        for (var caller = 0; caller < Core.Limits.Callers; caller++)
        {
            Assert.True(shares.TryTake($"caller {caller}", 1));
        }

        for (var look = 0; look < 400; look++)
        {
            shares.Count(Look);
            shares.Divide(limit: 1_000_000, Look);
        }

        // Each with an image of its own, which all together would not have.
        Assert.All(Enumerable.Range(0, 1000), number => Assert.True(shares.TryTake($"new {number}", 250)));
    }
}
