using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Measuring;
using PolicyService.LoadTests.Processes;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>One side of a comparison: whom, and who asks.</summary>
/// <param name="Server">The process whose CPU and memory count; null where it is not ours.</param>
/// <param name="Callers">Who asks.</param>
internal sealed record Side(ServerProcess? Server, IReadOnlyList<ICaller> Callers);

/// <summary>A scenario ready to run.</summary>
/// <param name="Service">What is measured.</param>
internal sealed record PreparedScenario(Side Service) : IAsyncDisposable
{
    /// <summary>The hot path to compare with, in slices of its own: of the same server, or of one with ten rules and ten attestations. Null: none.</summary>
    public Side? Hot { get; init; }

    /// <summary>Processor time of the base library for the one verification that each request costs; null: there is none.</summary>
    public TimeSpan? Verification { get; init; }

    /// <summary>Decisions after which a slice ends, and warming too.</summary>
    public long SliceDecisions { get; init; } = long.MaxValue;

    /// <summary>What happens during the run: policies that change, revocations that come.</summary>
    public Func<CancellationToken, Task>? Meanwhile { get; init; }

    /// <summary>What is done with the service after it was compared with the echo; given the decisions a second that it made. What it returns is to be told of the run. Null: nothing.</summary>
    public Func<double, Tally, CancellationToken, Task<IReadOnlyList<string>>>? Afterwards { get; init; }

    /// <summary>What else is to be told of the run.</summary>
    public Func<IEnumerable<string>> Notes { get; init; } = () => [];

    /// <summary>What ends with the scenario, the last first.</summary>
    public IReadOnlyList<IAsyncDisposable> Owned { get; init; } = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Owned.Reverse())
        {
            await one.DisposeAsync();
        }
    }
}

/// <summary>A scenario of PERFORMANCE.md, "How to measure".</summary>
/// <param name="Name">Its name there.</param>
/// <param name="PrepareAsync">Writes documents, starts servers.</param>
internal sealed record Scenario(string Name, Func<TestBed, CancellationToken, Task<PreparedScenario>> PrepareAsync);
