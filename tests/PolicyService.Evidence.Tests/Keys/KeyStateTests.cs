using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

public sealed class KeyStateTests : IAsyncDisposable
{
    private readonly KmsBench _bench = new();
    private readonly List<KeyChange> _told = [];

    public KeyStateTests() => _bench.Cache.States.Changed += _told.Add;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory]
    [InlineData("DISABLED", "DISABLED")]
    [InlineData("DESTROY_SCHEDULED", "DESTROYED")]
    [InlineData("PENDING_EXTERNAL_DESTRUCTION", "DESTROYED")]
    [InlineData("EXTERNAL_DESTRUCTION_FAILED", "DESTROYED")]
    public async Task Version_that_ended_counts_unless_the_project_revokes_on_that(string state, string word)
    {
        var revoking = _bench.Remote with { RevokeOnDisable = true };
        await _bench.AskAsync();
        await _bench.AskAsync(revoking);
        _bench.Key.State = state;
        await _bench.Cache.MaintainAsync(Cancellation);

        Assert.Equal(("FOUND", word), (KmsBench.Word(_bench.Cache.Lookup(_bench.Remote)), KmsBench.Word(_bench.Cache.Lookup(revoking))));
        Assert.Single(_told);

        _bench.Key.State = "ENABLED";
        await _bench.Cache.MaintainAsync(Cancellation);
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.Equal("FOUND", KmsBench.Word(_bench.Cache.Lookup(revoking)));
        Assert.Equal([KeyState.Enabled], _told.Skip(1).Cast<KeyChange.State>().Select(change => change.Now));
    }

    [Theory]
    [InlineData(KmsFault.Hangup)]
    [InlineData(KmsFault.Forbidden)]
    [InlineData(KmsFault.NotFound)]
    [InlineData(KmsFault.HalfJson)]
    [InlineData(KmsFault.HalfPair)]
    [InlineData(KmsFault.OtherName)]
    public async Task State_that_cannot_be_read_changes_nothing(KmsFault fault)
    {
        var revoking = _bench.Remote with { RevokeOnDisable = true };
        await _bench.AskAsync(revoking);
        _bench.StandIn.Fault = fault;
        _bench.Key.State = "DISABLED";
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.Equal("FOUND", KmsBench.Word(_bench.Cache.Lookup(revoking)));

        _bench.StandIn.Fault = KmsFault.None;
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.Equal("DISABLED", KmsBench.Word(_bench.Cache.Lookup(revoking)));

        _bench.StandIn.Fault = fault;
        _bench.Key.State = "ENABLED";
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.Equal("DISABLED", KmsBench.Word(_bench.Cache.Lookup(revoking)));
    }

    /// <summary>A new process does not know that the version was disabled before it began: for who revokes it does not count until that is known.</summary>
    [Theory]
    [InlineData(KmsFault.Hangup)]
    [InlineData(KmsFault.Forbidden)]
    [InlineData(KmsFault.TooManyRequestsForLong)]
    [InlineData(KmsFault.HalfPair)]
    public async Task State_that_was_never_read_is_no_permission(KmsFault fault)
    {
        var revoking = _bench.Remote with { RevokeOnDisable = true };
        _bench.StandIn.FaultOf = call => call.Path.EndsWith("/publicKey", StringComparison.Ordinal) ? KmsFault.None : fault;

        Assert.Equal("STATE_UNKNOWN", await _bench.AskAsync(revoking));
        Assert.Equal("FOUND", KmsBench.Word(_bench.Cache.Lookup(_bench.Remote)));
        Assert.Equal(_bench.Remote.Name, Assert.Single(_bench.Cache.States.Unreadable).Key);
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.IsType<KeyChange.Readability>(Assert.Single(_told));

        _bench.StandIn.FaultOf = _ => KmsFault.None;
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.Equal("FOUND", KmsBench.Word(_bench.Cache.Lookup(revoking)));
        Assert.Empty(_bench.Cache.States.Unreadable);
        Assert.Null(Assert.IsType<KeyChange.Readability>(_told[^1]).Failure);
    }

    [Fact]
    public async Task State_that_was_not_had_is_asked_for_again_soon_and_not_each_time()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var bench = new KmsBench(time: time);
        var revoking = bench.Remote with { RevokeOnDisable = true };
        bench.StandIn.FaultOf = call => call.Path.EndsWith("/publicKey", StringComparison.Ordinal) ? KmsFault.None : KmsFault.Forbidden;
        Assert.Equal("STATE_UNKNOWN", await bench.AskAsync(revoking));
        bench.StandIn.FaultOf = _ => KmsFault.None;

        Assert.True(bench.Cache.IsKnown(revoking));
        time.Advance(new KeyLifetimes().Negative);
        Assert.False(bench.Cache.IsKnown(revoking));
        Assert.Equal("FOUND", await bench.AskAsync(revoking));
        Assert.Equal(2, bench.StandIn.StateCalls);
    }

    /// <summary>The document carries the key; what has become of its version only the service knows.</summary>
    [Fact]
    public async Task Key_that_is_given_is_asked_for_its_state_alone()
    {
        Assert.True(PublicKey.TryReadPem(_bench.Key.Pem, SignatureAlgorithm.EcdsaP256Sha256, out var key, out var problem), problem);
        var given = _bench.Remote with { Given = new KeyResolution.Found(key), RevokeOnDisable = true };
        Assert.False(_bench.Cache.IsKnown(given));
        Assert.Equal("FOUND", await _bench.AskAsync(given));

        _bench.Key.State = "DESTROYED";
        await _bench.Cache.MaintainAsync(Cancellation);

        Assert.Equal("DESTROYED", KmsBench.Word(_bench.Cache.Lookup(given)));
        Assert.Equal((0, 2), (_bench.StandIn.PublicKeyCalls, _bench.StandIn.StateCalls));
    }

    [Fact]
    public async Task Caller_without_the_key_gets_it_though_the_flight_began_with_it()
    {
        Assert.True(PublicKey.TryReadPem(_bench.Key.Pem, SignatureAlgorithm.EcdsaP256Sha256, out var key, out var problem), problem);
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        var given = _bench.AskAsync(_bench.Remote with { Given = new KeyResolution.Found(key), RevokeOnDisable = true });
        var plain = _bench.AskAsync();
        gate.SetResult();

        Assert.Equal(("FOUND", "FOUND"), (await given, await plain));
    }

    /// <summary>The round goes on past keys that hang, within one attempt of theirs.</summary>
    [Fact]
    public async Task Keys_that_hang_do_not_hide_the_end_of_another()
    {
        const int Hanging = 60;
        var resources = Enumerable.Range(2, Hanging).Select(number => $"{KmsBench.Ring}k/cryptoKeyVersions/{number}").ToArray();
        foreach (var resource in resources)
        {
            await _bench.AskAsync(KmsBench.RemoteOf(resource, _bench.StandIn.Add(resource)));
        }

        await _bench.AskAsync();
        _bench.Key.State = "DISABLED";
        _bench.StandIn.FaultOf = call => call.Path.EndsWith("cryptoKeyVersions/1", StringComparison.Ordinal) ? KmsFault.None : KmsFault.Silent;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var round = _bench.Cache.MaintainAsync(ending.Token);

        await Eventually.Holds("the state of the one is read", () => _bench.Cache.States.Of(KmsBench.Name) is KeyState.Disabled);
        Assert.False(round.IsCompleted);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => round);
    }

    [Fact]
    public async Task Unclear_state_changes_nothing()
    {
        var revoking = _bench.Remote with { RevokeOnDisable = true };
        _bench.Key.State = "DISABLED";
        Assert.Equal("DISABLED", await _bench.AskAsync(revoking));

        _bench.Key.State = "CRYPTO_KEY_VERSION_STATE_UNSPECIFIED";
        await _bench.Cache.MaintainAsync(Cancellation);

        Assert.Equal("DISABLED", KmsBench.Word(_bench.Cache.Lookup(revoking)));
    }

    [Fact]
    public async Task Project_that_revokes_knows_the_state_before_the_key_counts()
    {
        var shared = new TestSharedCache();
        var one = new PublicKeyCache(_bench.Client, shared, _bench.Metrics, TimeProvider.System);
        await one.ResolveAsync(_bench.Remote, Cancellation);
        _bench.Key.State = "DISABLED";

        // A new replica has the key from another one, and the state from nobody.
        var two = new PublicKeyCache(_bench.Client, shared, _bench.Metrics, TimeProvider.System);
        Assert.Equal("FOUND", KmsBench.Word(await two.ResolveAsync(_bench.Remote, Cancellation)));
        Assert.True(two.IsKnown(_bench.Remote));
        Assert.False(two.IsKnown(_bench.Remote with { RevokeOnDisable = true }));
        Assert.Equal("DISABLED", KmsBench.Word(await two.ResolveAsync(_bench.Remote with { RevokeOnDisable = true }, Cancellation)));
        Assert.Equal((1, 1), (_bench.StandIn.PublicKeyCalls, _bench.StandIn.StateCalls));
    }

    [Fact]
    public async Task Project_that_does_not_revoke_asks_for_the_key_alone()
    {
        await _bench.AskAsync();

        Assert.Equal((1, 0), (_bench.StandIn.PublicKeyCalls, _bench.StandIn.StateCalls));
    }

    [Fact]
    public async Task Caller_who_revokes_gets_the_state_though_the_flight_began_without()
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        _bench.Key.State = "DESTROYED";
        var plain = _bench.AskAsync();
        var revoking = _bench.AskAsync(_bench.Remote with { RevokeOnDisable = true });
        gate.SetResult();

        Assert.Equal(("FOUND", "DESTROYED"), (await plain, await revoking));
        Assert.Equal(1, _bench.StandIn.PublicKeyCalls);
    }
}
