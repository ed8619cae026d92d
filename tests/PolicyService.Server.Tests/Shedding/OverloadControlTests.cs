using PolicyService.Server.Shedding;

namespace PolicyService.Server.Tests.Shedding;

/// <summary>When less is let in, of whom, and when all is let in again.</summary>
public sealed class OverloadControlTests
{
    private static readonly TimeSpan Long = 2 * OverloadControl.Bound;
    private readonly SimulatedMachine _machine = new();

    [Fact]
    public void Nobody_is_refused_while_the_machine_can_do_it_all()
    {
        var seen = _machine.Run(TimeSpan.FromSeconds(10), ("alice", 9500));

        Assert.Equal(0, seen["alice"].Refused);
        Assert.True(_machine.Control.IsCalm);
    }

    [Theory]
    [InlineData("one pause", OverloadControl.Looks - 1, 0)]
    [InlineData("pauses that come and go", OverloadControl.Looks - 1, 5)]
    public void A_wait_that_does_not_stand_refuses_nobody(string name, int looks, int times)
    {
        for (var time = 0; time <= times; time++)
        {
            for (var look = 0; look < looks; look++)
            {
                _machine.Pass(Long);
                Assert.True(Enumerable.Range(0, 1000).All(_ => _machine.Control.TryEnter("alice", 1)), name);
            }

            _machine.Pass(TimeSpan.Zero);
        }

        for (var look = 0; look < OverloadControl.Looks; look++)
        {
            _machine.Pass(TimeSpan.Zero);
        }

        Assert.True(_machine.Control.IsCalm, name);
    }

    [Fact]
    public void Twice_the_capacity_is_answered_for_the_most_part_and_waits_little()
    {
        _machine.Run(TimeSpan.FromSeconds(5), ("everybody", 20_000));
        var waits = new List<TimeSpan>();
        var answered = 0L;
        for (var second = 0; second < 10; second++)
        {
            answered += _machine.Run(TimeSpan.FromSeconds(1), ("everybody", 20_000))["everybody"].LetIn;
            waits.Add(_machine.Wait);
        }

        // Refusing half of what comes takes a tenth of the machine.
        Assert.InRange(answered / 10.0, 0.75 * _machine.Capacity, _machine.Capacity);
        Assert.All(waits, wait => Assert.InRange(wait, TimeSpan.Zero, 3 * OverloadControl.Bound));
    }

    [Fact]
    public void A_caller_below_its_share_is_never_refused()
    {
        (string, double)[] callers = [("greedy", 20_000), ("modest", 1000)];
        _machine.Run(TimeSpan.FromSeconds(3), callers);

        var seen = _machine.Run(TimeSpan.FromSeconds(10), callers);
        Assert.Equal(0, seen["modest"].Refused);
        Assert.InRange(seen["greedy"].LetIn, 60_000, 95_000);
        Assert.True(seen["greedy"].Refused > 80_000);
    }

    [Fact]
    public void Callers_above_their_share_get_the_same_whatever_they_ask_for()
    {
        (string, double)[] callers = [("greedy", 40_000), ("half as greedy", 20_000), ("modest", 500)];
        _machine.Capacity = 20_000;
        _machine.Run(TimeSpan.FromSeconds(3), callers);

        var seen = _machine.Run(TimeSpan.FromSeconds(10), callers);
        Assert.Equal(0, seen["modest"].Refused);
        Assert.InRange((double)seen["greedy"].LetIn / seen["half as greedy"].LetIn, 0.95, 1.05);
    }

    [Fact]
    public void A_caller_that_comes_during_the_overload_is_let_in()
    {
        _machine.Run(TimeSpan.FromSeconds(3), ("greedy", 20_000));

        Assert.Equal(0, _machine.Run(TimeSpan.FromSeconds(5), ("greedy", 20_000), ("new", 100))["new"].Refused);
    }

    [Fact]
    public void What_is_let_in_follows_what_the_machine_can_do()
    {
        _machine.Run(TimeSpan.FromSeconds(3), ("everybody", 20_000));
        _machine.Capacity = 15_000;
        _machine.Run(TimeSpan.FromSeconds(3), ("everybody", 20_000));
        var more = _machine.Run(TimeSpan.FromSeconds(5), ("everybody", 20_000))["everybody"].LetIn / 5;
        _machine.Capacity = 6000;
        _machine.Run(TimeSpan.FromSeconds(5), ("everybody", 20_000));
        var less = _machine.Run(TimeSpan.FromSeconds(5), ("everybody", 20_000))["everybody"].LetIn / 5;

        Assert.InRange(more, 11_000, 15_000);
        Assert.InRange(less, 2500, 6000);
    }

    [Fact]
    public void After_the_overload_nobody_is_refused_and_all_is_as_before()
    {
        _machine.Run(TimeSpan.FromSeconds(5), ("everybody", 20_000));
        // What waits has to be worked off.
        _machine.Run(TimeSpan.FromMilliseconds(200), ("everybody", 5000));

        Assert.Equal(0, _machine.Run(TimeSpan.FromSeconds(2), ("everybody", 5000))["everybody"].Refused);
        Assert.True(_machine.Control.IsCalm);
        Assert.Null(_machine.Control.Limit);
    }

    [Fact]
    public void So_few_that_they_cannot_be_the_reason_are_let_in_however_long_work_waits()
    {
        for (var look = 0; look < 200; look++)
        {
            for (var image = 0; image < OverloadControl.Least * OverloadControl.Interval.TotalSeconds; image++)
            {
                Assert.True(_machine.Control.TryEnter("alice", 1));
            }

            _machine.Pass(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(OverloadControl.Least, _machine.Control.Limit);
    }

    [Fact]
    public void So_few_in_line_that_they_cannot_be_the_reason_are_let_in_however_long_they_wait()
    {
        for (var look = 0; look < 100; look++)
        {
            Assert.True(Enumerable.Range(0, 1000).All(_ => _machine.Control.TryEnter("alice", 1)));
            _machine.Pass(TimeSpan.FromSeconds(1), OverloadControl.FewInLine - 1);
        }

        Assert.True(_machine.Control.IsCalm);
        Assert.Equal(TimeSpan.FromSeconds(1), _machine.Control.Wait);
    }

    [Fact]
    public void Much_less_is_never_let_in_than_before_however_much_is_asked_for()
    {
        for (var look = 0; look < 100; look++)
        {
            _machine.Control.TryEnter("everybody", look < 10 ? 500 : 5);
            _machine.Pass(Long);
        }

        Assert.InRange(_machine.Control.Limit!.Value, 900, 1100);
    }
}
