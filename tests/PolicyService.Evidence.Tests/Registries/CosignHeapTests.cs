using PolicyService.Core;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Who may push puts heaps beside an image: they fill no memory, and what they cost is no outage of the registry.</summary>
public sealed class CosignHeapTests
{
    private static readonly string Image = $"{Attestations.Image}";
    private static readonly byte[] Garbage = [1, 2, 3];

    private readonly FakeRegistry _registry = new();

    [Fact, Trait("attack", "92")]
    public async Task Looks_at_heaps_of_bytes_wait_for_each_other_and_small_ones_for_nobody()
    {
        const int Looks = 40;
        var gate = new TaskCompletionSource();
        var (underWay, most) = (0, 0);
        var large = CosignWriter.Manifest([CosignWriter.Layer(new byte[2 * 1024 * 1024], CosignWriter.BundleType)]);
        var small = CosignWriter.Manifest([]);
        var signatures = new CosignSignatures(new RegistryReads(
            (repository, _, _, _) => Task.FromResult(RegistryOutcome.Of(new RegistryContent(repository.Path == "large" ? large : small, "", Attestations.Image))),
            (_, _, _, _) => Task.FromResult(RegistryOutcome.NotThere),
            async (_, _, _, _, _) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref underWay));
                await gate.Task;
                Interlocked.Decrement(ref underWay);
                return RegistryOutcome.NotThere;
            },
            (_, _, _, _) => Task.FromResult(new ReferrersOutcome([], false, default))));
        var looking = Enumerable.Range(0, Looks).Select(_ => ListAsync("large")).ToArray();
        await Eventually.Holds("places are taken", () => Volatile.Read(ref underWay) >= Limits.RegistryLargeLooks);
        Assert.Equal(RemoteFailure.None, (await ListAsync("small")).Failure);
        gate.SetResult();
        Assert.All(await Task.WhenAll(looking), list => Assert.Equal(RemoteFailure.MissingContent, list.Failure));
        Assert.Equal(Limits.RegistryLargeLooks, most);

        // Layers that share a payload ask for it once and may never wait for the place that together they need.
        var shared = CosignWriter.Manifest(Enumerable.Range(0, 40).Select(number => CosignWriter.SignatureLayer(new byte[32 * 1024], [(byte)number])));
        large = shared;
        await Task.WhenAll(Enumerable.Range(0, Looks).Select(_ => ListAsync("large")));

        // Who waits in vain gives up its place.
        using var ending = new CancellationTokenSource();
        await ending.CancelAsync();
        Assert.Equal(RemoteFailure.Timeout, (await signatures.ListAsync(FakeRegistry.Repository with { Path = "large" }, Attestations.Image, false, ending.Token)).Failure);
        Assert.Equal(RemoteFailure.MissingContent, (await ListAsync("large")).Failure);

        Task<RegistryList> ListAsync(string path) =>
            signatures.ListAsync(FakeRegistry.Repository with { Path = path }, Attestations.Image, false, TestContext.Current.CancellationToken);
    }

    [Theory, Trait("attack", "93")]
    [InlineData(RemoteFailure.Timeout)]
    [InlineData(RemoteFailure.RateLimited)]
    public async Task Time_and_requests_that_a_heap_of_signatures_costs_are_no_outage(RemoteFailure failure)
    {
        var heap = Enumerable.Range(0, 1000).Select(number => CosignWriter.Payload($"a.test/i{number}", Image)).ToArray();
        _registry.Sign([.. heap.Select(payload => (payload, Garbage))]);
        var last = DockerRegistry.DigestOf(heap[0]);
        _registry.Instead = what => what == last ? RegistryOutcome.Failed(failure) : null;
        Assert.Equal(RemoteFailure.Partial, (await _registry.ListAsync()).Failure);

        // One signature that is not read in time is the registry's doing.
        _registry.Forget();
        _registry.Sign((heap[0], Garbage));
        Assert.Equal(failure, (await _registry.ListAsync()).Failure);
    }
}
