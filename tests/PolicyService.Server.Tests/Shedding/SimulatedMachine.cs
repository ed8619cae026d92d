using Microsoft.Extensions.Time.Testing;
using PolicyService.Server.Shedding;

namespace PolicyService.Server.Tests.Shedding;

/// <summary>A machine that answers so many images a second and makes the rest wait; refusing costs it a tenth of an answer.</summary>
internal sealed class SimulatedMachine
{
    private const double RefusalCost = 0.1;
    private readonly FakeTimeProvider _clock = new();
    private readonly Dictionary<string, double> _due = [];
    private double _waiting;

    public SimulatedMachine() => Control = new OverloadControl(_clock);

    public OverloadControl Control { get; }

    /// <summary>Images a second that it can answer.</summary>
    public double Capacity { get; set; } = 10_000;

    /// <summary>How long work waits for it now.</summary>
    public TimeSpan Wait => TimeSpan.FromSeconds(_waiting / Capacity);

    /// <summary>Lets time go by while callers ask for so many images a second.</summary>
    /// <returns>By caller: images let in and refused.</returns>
    public Dictionary<string, (long LetIn, long Refused)> Run(TimeSpan time, params (string Caller, double Rate)[] callers)
    {
        var seen = callers.ToDictionary(caller => caller.Caller, _ => (LetIn: 0L, Refused: 0L));
        for (var passed = TimeSpan.Zero; passed < time; passed += OverloadControl.Interval)
        {
            foreach (var (caller, rate) in callers)
            {
                for (_due[caller] = _due.GetValueOrDefault(caller) + (rate * OverloadControl.Interval.TotalSeconds); _due[caller] >= 1; _due[caller]--)
                {
                    var isIn = Control.TryEnter(caller, 1);
                    _waiting += isIn ? 1 : RefusalCost;
                    seen[caller] = isIn ? (seen[caller].LetIn + 1, seen[caller].Refused) : (seen[caller].LetIn, seen[caller].Refused + 1);
                }
            }

            Pass();
        }

        return seen;
    }

    /// <summary>One look later.</summary>
    public void Pass(TimeSpan? wait = null, long inLine = OverloadControl.FewInLine)
    {
        _clock.Advance(OverloadControl.Interval);
        _waiting = Math.Max(0, _waiting - (Capacity * OverloadControl.Interval.TotalSeconds));
        Control.Observe(wait ?? Wait, inLine);
    }
}
