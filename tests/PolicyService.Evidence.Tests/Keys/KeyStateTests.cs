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
