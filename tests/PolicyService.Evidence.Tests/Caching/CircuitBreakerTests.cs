using Microsoft.Extensions.Time.Testing;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

public sealed class CircuitBreakerTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Nothing_is_asked_before_something_has_answered()
    {
        var circuit = new CircuitBreaker(_time);
        Assert.False(circuit.IsClosed);

        circuit.Probed(false);
        Assert.False(circuit.IsClosed);
        circuit.Probed(true);
        Assert.True(circuit.IsClosed);
    }

    [Fact]
    public void Failures_in_a_row_open_it_and_one_answer_between_does_not_let_them()
    {
        var circuit = Closed();
        for (var round = 0; round < 3; round++)
        {
            Assert.All(Enumerable.Range(1, CircuitBreaker.Threshold - 1), _ => Assert.False(circuit.Fail()));
            circuit.Succeed();
        }

        Assert.True(circuit.IsClosed);
        Assert.All(Enumerable.Range(1, CircuitBreaker.Threshold - 1), _ => Assert.False(circuit.Fail()));
        Assert.True(circuit.Fail());
        Assert.False(circuit.IsClosed);
        // It is open already: no second news.
        Assert.False(circuit.Fail());
    }

    [Fact]
    public void Probes_become_rarer_while_they_fail_and_no_rarer_than_every_5_s()
    {
        var circuit = Closed();
        _time.Advance(TimeSpan.FromSeconds(10));
        Open(circuit);
        List<double> pauses = [];
        for (var probe = 0; probe < 7; probe++)
        {
            pauses.Add(circuit.Pause.TotalMilliseconds);
            circuit.Probed(false);
        }

        Assert.Equal([250, 500, 1000, 2000, 4000, 5000, 5000], pauses);
    }

    [Fact]
    public void What_heals_and_falls_ill_again_at_once_is_probed_less_and_less()
    {
        var circuit = Closed();
        List<double> pauses = [];
        for (var time = 0; time < 6; time++)
        {
            Open(circuit);
            pauses.Add(circuit.Pause.TotalMilliseconds);
            circuit.Probed(true);
        }

        Assert.Equal([500, 1000, 2000, 4000, 5000, 5000], pauses);

        _time.Advance(TimeSpan.FromSeconds(10));
        Open(circuit);
        Assert.Equal(250, circuit.Pause.TotalMilliseconds);
    }

    private CircuitBreaker Closed()
    {
        var circuit = new CircuitBreaker(_time);
        circuit.Probed(true);
        return circuit;
    }

    private static void Open(CircuitBreaker circuit)
    {
        while (!circuit.Fail())
        {
        }
    }
}
