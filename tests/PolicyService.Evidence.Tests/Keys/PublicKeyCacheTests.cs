using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

public sealed class PublicKeyCacheTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly KmsBench _bench;

    public PublicKeyCacheTests() => _bench = new KmsBench(time: _time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Key_is_fetched_once_and_then_known_without_a_question()
    {
        Assert.False(_bench.Cache.IsKnown(_bench.Remote));
        Assert.Equal("NOT_FETCHED", KmsBench.Word(_bench.Cache.Lookup(_bench.Remote)));

        Assert.Equal("FOUND", await _bench.AskAsync());

        Assert.True(_bench.Cache.IsKnown(_bench.Remote));
        Assert.Equal(_bench.Key.Pin, Assert.IsType<KeyResolution.Found>(_bench.Cache.Lookup(_bench.Remote)).Key.Fingerprint.ToString());
        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Equal(1, _bench.StandIn.PublicKeyCalls);
    }

    [Fact]
    [Trait("attack", "96")]
    public async Task Five_thousand_who_ask_at_once_cost_one_call()
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        var asked = Enumerable.Range(0, 5_000).Select(_ => Task.Run(() => _bench.AskAsync())).ToArray();
        gate.SetResult();

        Assert.All(await Task.WhenAll(asked), word => Assert.Equal("FOUND", word));
        Assert.Single(_bench.StandIn.Calls);
    }

    [Fact]
    [Trait("attack", "97")]
    public async Task Caller_who_goes_away_takes_nothing_from_those_who_stay()
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        // The first is whose question began the flight.
        var first = _bench.Cache.ResolveAsync(_bench.Remote, ending.Token);
        var stays = _bench.AskAsync();
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.SetResult();

        Assert.Equal("FOUND", await stays);
        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Single(_bench.StandIn.Calls);
    }

    [Fact]
    [Trait("attack", "97")]
    public async Task Flight_that_all_have_left_still_lands_and_poisons_nothing()
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var all = Enumerable.Range(0, 10).Select(_ => _bench.Cache.ResolveAsync(_bench.Remote, ending.Token)).ToArray();
        await ending.CancelAsync();
        await Task.WhenAll(all.Select(one => Assert.ThrowsAnyAsync<OperationCanceledException>(() => one)));
        gate.SetResult();

        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Single(_bench.StandIn.Calls);
    }

    [Fact]
    public async Task Flight_has_an_end_of_its_own()
    {
        var hanging = new HangingKeyManagement();
        var cache = new PublicKeyCache(hanging, NoSharedCache.Instance, _bench.Metrics, _time);
        var asked = cache.ResolveAsync(_bench.Remote, Cancellation);
        await hanging.Asked.WaitAsync(Cancellation);
        _time.Advance(new KeyLifetimes().Fetch);

        Assert.Equal("TIMEOUT", KmsBench.Word(await asked));
    }

    [Fact]
    [Trait("attack", "92")]
    public async Task Failure_is_remembered_briefly_apart_from_keys_and_never_as_a_key()
    {
        _bench.StandIn.Fault = KmsFault.Forbidden;
        Assert.Equal("PERMISSION_DENIED", await _bench.AskAsync());
        _bench.StandIn.Fault = KmsFault.None;

        _time.Advance(new KeyLifetimes().Negative - TimeSpan.FromMilliseconds(1));
        Assert.True(_bench.Cache.IsKnown(_bench.Remote));
        Assert.Equal("PERMISSION_DENIED", KmsBench.Word(_bench.Cache.Lookup(_bench.Remote)));
        Assert.Equal("PERMISSION_DENIED", await _bench.AskAsync());
        Assert.Single(_bench.StandIn.Calls);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(_bench.Cache.IsKnown(_bench.Remote));
        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Equal("FOUND", KmsBench.Word(_bench.Cache.Lookup(_bench.Remote)));
    }

    [Fact]
    public async Task Key_that_is_not_the_pinned_one_is_never_kept()
    {
        var remote = _bench.Remote with { Pin = Digest.Of("another key"u8) };

        Assert.Equal("OTHER_KEY", await _bench.AskAsync(remote));

        Assert.Equal(0, _bench.Cache.Count);
        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Equal("OTHER_KEY", KmsBench.Word(_bench.Cache.Lookup(remote)));
    }

    [Fact]
    public async Task Key_that_signs_otherwise_than_declared_is_never_kept()
    {
        Assert.Equal("OTHER_ALGORITHM", await _bench.AskAsync(_bench.Remote with { Algorithm = SignatureAlgorithm.EcdsaP384Sha384 }));
        Assert.Equal("FOUND", await _bench.AskAsync(_bench.Remote with { Algorithm = SignatureAlgorithm.EcdsaP256Sha256 }));
    }

    [Fact]
    public async Task Key_without_pin_is_not_asked_for()
    {
        var remote = _bench.Remote with { Pin = null };

        Assert.Equal("NOT_PINNED", await _bench.AskAsync(remote));
        Assert.Equal("NOT_PINNED", KmsBench.Word(_bench.Cache.Lookup(remote)));
        Assert.Empty(_bench.StandIn.Calls);
    }

    [Theory]
    [InlineData(KmsFault.Hangup)]
    [InlineData(KmsFault.NotFound)]
    [InlineData(KmsFault.OtherKey)]
    public async Task Pinned_key_outlives_its_source(KmsFault fault)
    {
        await _bench.AskAsync();
        _bench.StandIn.Fault = fault;

        for (var day = 0; day < 30; day++)
        {
            _time.Advance(TimeSpan.FromDays(1));
            await _bench.Cache.MaintainAsync(Cancellation);
        }

        Assert.True(_bench.Cache.IsKnown(_bench.Remote));
        Assert.Equal("FOUND", KmsBench.Word(_bench.Cache.Lookup(_bench.Remote)));
        Assert.Single(_bench.Cache.Unavailable);
    }

    [Fact]
    public async Task Key_is_fetched_again_in_the_background_when_it_is_old()
    {
        await _bench.AskAsync();
        await _bench.Cache.MaintainAsync(Cancellation);
        Assert.Equal(1, _bench.StandIn.PublicKeyCalls);

        _time.Advance(new KeyLifetimes().RefreshAfter);
        await _bench.Cache.MaintainAsync(Cancellation);
        await _bench.Cache.MaintainAsync(Cancellation);

        Assert.Equal(2, _bench.StandIn.PublicKeyCalls);
    }

    [Fact]
    [Trait("attack", "93")]
    public async Task Key_no_document_names_is_forgotten()
    {
        await _bench.AskAsync();
        await _bench.Cache.MaintainAsync(Cancellation);

        _bench.Cache.Retain([_bench.Remote]);
        Assert.Equal((1, 1), (_bench.Cache.Count, _bench.Cache.States.All.Count()));

        _bench.Cache.Retain([_bench.Remote with { Pin = Digest.Of("another key"u8) }]);
        Assert.Equal(0, _bench.Cache.Count);
        Assert.False(_bench.Cache.IsKnown(_bench.Remote));

        _bench.Cache.Retain([]);
        Assert.Empty(_bench.Cache.States.All);
    }

    [Fact]
    public async Task Changes_of_availability_are_told_once()
    {
        var told = new List<KeyChange>();
        _bench.Cache.Changed += told.Add;
        await _bench.AskAsync();
        Assert.Empty(told);

        _bench.StandIn.Fault = KmsFault.Forbidden;
        for (var hour = 0; hour < 3; hour++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            await _bench.Cache.MaintainAsync(Cancellation);
        }

        _bench.StandIn.Fault = KmsFault.None;
        await _bench.Cache.MaintainAsync(Cancellation);
        await _bench.Cache.MaintainAsync(Cancellation);

        Assert.Equal([new KeyChange.Availability(KmsBench.Name, KeyFailure.PermissionDenied), new KeyChange.Availability(KmsBench.Name, null)], told);
        Assert.Empty(_bench.Cache.Unavailable);
    }

    /// <summary>One name under two pins: one of them is right, and that is no change from round to round.</summary>
    [Fact]
    public async Task Pins_of_one_name_do_not_speak_for_each_other()
    {
        var told = new List<KeyChange>();
        var other = _bench.Remote with { Pin = Digest.Of("another"u8) };
        _bench.Cache.Changed += told.Add;
        for (var round = 0; round < 5; round++)
        {
            Assert.Equal(("FOUND", "OTHER_KEY"), (await _bench.AskAsync(), await _bench.AskAsync(other)));
            _time.Advance(TimeSpan.FromHours(1));
            await _bench.Cache.MaintainAsync(Cancellation);
        }

        Assert.Equal([new KeyChange.Availability(KmsBench.Name, KeyFailure.OtherKey)], told);
    }

    /// <summary>Whatever else goes wrong with one answer stays with its key, and is not asked for again at once.</summary>
    [Fact]
    public async Task Defect_in_reading_one_key_stays_with_it()
    {
        var second = KmsBench.RemoteOf(KmsBench.Ring + "k/cryptoKeyVersions/2", _bench.StandIn.Add(KmsBench.Ring + "k/cryptoKeyVersions/2"));
        var source = new DefectiveKeyManagement(_bench.Client, KmsBench.Name);
        var cache = new PublicKeyCache(source, NoSharedCache.Instance, _bench.Metrics, _time, new KeyLifetimes { Fetch = TimeSpan.FromMinutes(5) });
        for (var turn = 0; turn < 3; turn++)
        {
            Assert.Equal("MALFORMED", KmsBench.Word(await cache.ResolveAsync(_bench.Remote, Cancellation)));
        }

        Assert.Equal(1, source.Calls);
        Assert.Equal("FOUND", KmsBench.Word(await cache.ResolveAsync(second with { RevokeOnDisable = true }, Cancellation)));
        Assert.Equal("STATE_UNKNOWN", KmsBench.Word(await cache.ResolveAsync(_bench.Remote with { RevokeOnDisable = true, Given = new KeyResolution.Found(Read(_bench.Key)) }, Cancellation)));
        await cache.MaintainAsync(Cancellation);
        Assert.Equal(KeyState.Enabled, cache.States.Of(second.Name));
    }

    private static PublicKey Read(KmsStandInKey key) =>
        PublicKey.TryReadPem(key.Pem, SignatureAlgorithm.EcdsaP256Sha256, out var read, out var problem) ? read : throw new InvalidOperationException(problem);

    private sealed class DefectiveKeyManagement(IKeyManagement source, KmsKeyName defective) : IKeyManagement
    {
        public int Calls { get; private set; }

        public Task<PublicKey> GetPublicKeyAsync(KmsKeyName name, CancellationToken cancellation)
        {
            Calls += name == defective ? 1 : 0;
            return name == defective ? throw new InvalidOperationException("a defect") : source.GetPublicKeyAsync(name, cancellation);
        }

        public Task<KeyState> GetStateAsync(KmsKeyName name, CancellationToken cancellation) =>
            name == defective ? throw new InvalidOperationException("a defect") : source.GetStateAsync(name, cancellation);

        public Task<byte[]> SignAsync(KmsKeyName name, ReadOnlyMemory<byte> digest, CancellationToken cancellation) => throw new NotSupportedException();
    }

    private sealed class HangingKeyManagement : IKeyManagement
    {
        private readonly TaskCompletionSource _asked = new();

        public Task Asked => _asked.Task;

        public async Task<PublicKey> GetPublicKeyAsync(KmsKeyName name, CancellationToken cancellation)
        {
            var ended = new TaskCompletionSource<PublicKey>();
            await using var registration = cancellation.Register(() => ended.SetCanceled(cancellation));
            _asked.SetResult();
            return await ended.Task;
        }

        public Task<KeyState> GetStateAsync(KmsKeyName name, CancellationToken cancellation) => Task.FromResult(KeyState.Unknown);

        public Task<byte[]> SignAsync(KmsKeyName name, ReadOnlyMemory<byte> digest, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
