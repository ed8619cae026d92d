using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Who asks the same at the same time shares one look, and nobody is told what was seen before.</summary>
[Trait("attack", "84")]
public sealed class TagLookupsTests
{
    private readonly ConcurrentQueue<string> _looks = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly TagLookups _tags;
    private TaskCompletionSource<RegistryOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TagLookupsTests() => _tags = new TagLookups(LookAsync, _clock, new RemoteLifetimes { Fetch = TimeSpan.FromSeconds(10) });

    [Fact]
    public async Task Many_who_ask_the_same_at_once_share_one_look()
    {
        var asking = Enumerable.Range(0, 50).Select(_ => AskAsync()).ToArray();
        _answer.SetResult(RegistryOutcome.NotThere);

        Assert.All(await Task.WhenAll(asking), outcome => Assert.True(outcome.IsNotThere));
        Assert.Single(_looks);
    }

    [Fact]
    public async Task Another_question_is_another_look()
    {
        var other = FakeRegistry.Repository with { Registry = new RegistryOptions("a.test", true, [], RegistryCredentials.None, []) };
        Task<RegistryOutcome>[] asking = [AskAsync(), AskAsync(project: "other"), AskAsync(tag: "v2"), AskAsync(FakeRegistry.Repository with { Path = "j" }), AskAsync(other)];
        _answer.SetResult(RegistryOutcome.NotThere);

        await Task.WhenAll(asking);
        Assert.Equal(asking.Length, _looks.Count);
    }

    [Fact]
    public async Task Nothing_is_remembered()
    {
        _answer.SetResult(RegistryOutcome.NotThere);
        Assert.True((await AskAsync()).IsNotThere);
        _answer = new TaskCompletionSource<RegistryOutcome>();
        _answer.SetResult(RegistryOutcome.TooLarge);

        // The look is over before whoever waits for it is told.
        Assert.True((await AskAsync()).IsTooLarge);
        Assert.Equal(2, _looks.Count);
    }

    [Fact]
    public async Task Look_goes_on_for_the_others_when_one_waits_no_longer()
    {
        using var ending = new CancellationTokenSource();
        var first = AskAsync(ending: ending.Token);
        var second = AskAsync();
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _answer.SetResult(RegistryOutcome.NotThere);

        Assert.True((await second).IsNotThere);
        Assert.Single(_looks);
    }

    [Fact]
    public async Task Look_that_does_not_end_is_a_timeout()
    {
        var asking = AskAsync();
        await Eventually.Holds("it is looked", () => !_looks.IsEmpty);
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(RemoteFailure.Timeout, (await asking).Failure);
    }

    private Task<RegistryOutcome> AskAsync(RegistryRepository? repository = null, string project = "acme", string tag = "v1", CancellationToken? ending = null) =>
        _tags.FindAsync(project, repository ?? FakeRegistry.Repository, tag, ending ?? TestContext.Current.CancellationToken);

    private Task<RegistryOutcome> LookAsync(RegistryRepository repository, string tag, CancellationToken cancellation)
    {
        _looks.Enqueue($"{repository}:{tag}");
        return _answer.Task;
    }
}
