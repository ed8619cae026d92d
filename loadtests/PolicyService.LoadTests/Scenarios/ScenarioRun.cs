using PolicyService.LoadTests.Measuring;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Runs scenarios against the echo: slice by slice in turn, because the machine changes more in a minute than the servers differ.</summary>
internal sealed class ScenarioRun(TestBed bed)
{
    private bool _isEchoWarm;

    /// <summary>The noise: the echo against itself.</summary>
    public async Task<ScenarioResult> ControlAsync(CancellationToken cancellation)
    {
        var echo = await bed.EchoAsync(cancellation);
        return await RunAsync("control", new PreparedScenario(echo), echo, cancellation);
    }

    public async Task<ScenarioResult> RunAsync(Scenario scenario, CancellationToken cancellation)
    {
        await using var prepared = await scenario.PrepareAsync(bed, cancellation);
        return await RunAsync(scenario.Name, prepared, await bed.EchoAsync(cancellation), cancellation);
    }

    /// <summary>Without an echo to compare with: what somebody else runs has other networks and machines between.</summary>
    public async Task<ScenarioResult> RunAloneAsync(string name, PreparedScenario prepared, CancellationToken cancellation)
    {
        await using var owned = prepared;
        return await RunAsync(name, prepared, null, cancellation);
    }

    private async Task<ScenarioResult> RunAsync(string name, PreparedScenario prepared, Side? echoSide, CancellationToken cancellation)
    {
        var (echo, service) = (echoSide is null ? null : new SideMeter(echoSide, bed), new SideMeter(prepared.Service, bed, prepared.SliceDecisions));
        var hot = prepared.Hot is null ? null : new SideMeter(prepared.Hot, bed);
        // The echo was warmed for the control, where there was one.
        foreach (var side in Sides(_isEchoWarm ? null : echo, service, hot))
        {
            await side.WarmAsync(cancellation);
        }

        _isEchoWarm |= echo is not null;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var meanwhile = prepared.Meanwhile?.Invoke(over.Token) ?? Task.CompletedTask;
        try
        {
            await CompareRatesAsync([.. Sides(echo, service, hot)], cancellation);

            var rate = LatencyRate(echo, service, hot);
            for (var slice = 0; slice < bed.Plan.LatencySlices && rate > 0; slice++)
            {
                foreach (var side in Sides(echo, service, hot))
                {
                    await side.ScheduleAsync(rate, cancellation);
                }
            }

            var afterwards = prepared.Afterwards is null ? [] : await prepared.Afterwards(Spread.Of(service.Rates).Median, service.Tally, cancellation);
            return Sum(name, prepared, echo, service, hot, rate, afterwards);
        }
        finally
        {
            await over.CancelAsync();
            await meanwhile;
        }
    }

    private async Task CompareRatesAsync(SideMeter[] sides, CancellationToken cancellation)
    {
        // What a process allocates for two sides cannot be told apart.
        IAsyncDisposable[] counting = [.. sides.Where(side => sides.Count(other => other.Server == side.Server) == 1).Select(side => side.CountAllocations())];
        for (var slice = 0; slice < bed.Plan.Slices; slice++)
        {
            foreach (var side in sides)
            {
                await side.RunAsync(cancellation);
            }
        }

        foreach (var one in counting)
        {
            await one.DisposeAsync();
        }
    }

    private static IEnumerable<SideMeter> Sides(SideMeter? echo, SideMeter service, SideMeter? hot) =>
        new[] { echo, service, hot }.OfType<SideMeter>();

    /// <summary>The same for all, so that the latencies can be compared: a share of what the slowest of them can do.</summary>
    private double LatencyRate(SideMeter? echo, SideMeter service, SideMeter? hot) =>
        bed.Plan.LatencyLoad * Sides(echo, service, hot).Min(side => Spread.Of(side.Rates).Median / side.DecisionsPerCall);

    private static ScenarioResult Sum(string name, PreparedScenario prepared, SideMeter? echo, SideMeter service, SideMeter? hot, double rate, IReadOnlyList<string> afterwards)
    {
        // The echo is part of the comparison: where it fails there is none.
        var isClean = Sides(echo, service, hot).All(side => side.Tally.IsClean);
        return new ScenarioResult
        {
            Name = name,
            Ratio = isClean && echo is not null ? RatioOf(service, echo) : null,
            Rate = Spread.Of(service.Rates).Median,
            CpuMicrosPerRequest = service.CpuMicros,
            CpuRatio = isClean ? service.CpuMicros / echo?.CpuMicros : null,
            P50 = service.Latencies.Percentile(0.5),
            P99 = service.Latencies.Percentile(0.99),
            P999 = service.Latencies.Percentile(0.999),
            EchoP99 = echo?.Latencies.Percentile(0.99),
            LatencyRate = rate,
            AllocatedBytes = service.AllocatedBytes,
            AllocatedRatio = isClean ? service.AllocatedBytes / echo?.AllocatedBytes : null,
            PeakMemoryMiB = service.PeakMemoryMiB,
            Errors = Sides(echo, service, hot).Sum(side => side.Tally.Errors),
            WrongVerdicts = Sides(echo, service, hot).Sum(side => side.Tally.WrongVerdicts),
            Kinds = Sides(echo, service, hot).SelectMany(side => side.Tally.Kinds).GroupBy(kind => kind.Key).ToDictionary(kind => kind.Key, kind => kind.Sum(one => one.Value)),
            Hot = isClean && hot is not null ? Compare(service, hot, prepared.Verification) : null,
            Notes = [.. prepared.Notes(), .. afterwards, .. Sides(echo, service, hot).SelectMany(side => side.Tally.Examples)],
        };
    }

    private static HotComparison Compare(SideMeter service, SideMeter hot, TimeSpan? verification) => new(
        RatioOf(service, hot),
        service.Latencies.Percentile(0.5) / hot.Latencies.Percentile(0.5),
        service.Latencies.Percentile(0.99) / hot.Latencies.Percentile(0.99),
        service.CpuMicros - hot.CpuMicros,
        verification?.TotalMicroseconds);

    private static Spread RatioOf(SideMeter service, SideMeter other) => Spread.Of(service.Rates.Zip(other.Rates, (one, two) => one / two).Where(double.IsFinite).DefaultIfEmpty(0));
}
