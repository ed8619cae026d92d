using System.Collections.Concurrent;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

/// <summary>A replica's side of Redis.</summary>
internal sealed class TestLink : IAsyncDisposable
{
    private readonly ConcurrentQueue<RedisState> _states = new();

    /// <param name="connection">The connection string.</param>
    /// <param name="fleet">The fleet key; 0: none.</param>
    /// <param name="patient">Waits long for answers, where a test is not about time.</param>
    /// <param name="passwordFile">As of <c>--Redis:PasswordFile</c>.</param>
    /// <param name="authority">As of <c>--Redis:Ca</c>.</param>
    /// <param name="time">Its clock.</param>
    public TestLink(string connection, int fleet = 1, bool patient = true, string? passwordFile = null, string? authority = null, TimeProvider? time = null)
    {
        var settings = RedisSettings.Read(connection, passwordFile, authority, out var problem);
        Assert.True(settings is not null, problem);
        var clock = time ?? TimeProvider.System;
        var key = fleet == 0 ? null : Fleet.Key(fleet);
        Link = new RedisLink(patient ? settings with { OperationTimeout = TimeSpan.FromSeconds(10) } : settings, Counters, clock);
        Cache = new RedisCache(Link, key, Counters, clock);
        Evidence = new SharedEvidence(Link, key, Counters, clock);
        Link.StateChanged += _states.Enqueue;
        Link.Start();
    }

    public CacheCounters Counters { get; } = new();

    public RedisLink Link { get; }

    public RedisCache Cache { get; }

    public SharedEvidence Evidence { get; }

    /// <summary>Every change of state, in order: what the service would log, a line each.</summary>
    public IReadOnlyList<RedisState> States => [.. _states];

    public static CacheKey Key(string name) => CacheKey.Of(RedisCache.PublicKeyKind, name);

    public static EvidenceQuestion Question(string image = "image", string project = "acme", string configuration = "store 1", string note = "qa") =>
        new(project, EvidenceSource.Grafeas, configuration, Attestations.Note(note), Digest.Of(System.Text.Encoding.UTF8.GetBytes(image)));

    public Task<TimeSpan> IsAsync(RedisState state) => Eventually.Holds($"Redis is {state}", () => Link.State == state);

    public async Task<byte[]?> GetAsync(string name) =>
        await Cache.GetAsync(Key(name), TestContext.Current.CancellationToken) is { } value ? value.Content.ToArray() : null;

    /// <summary>Stores, and waits until the server says so.</summary>
    public async Task SetAsync(string name, byte[] value)
    {
        var before = Counters.Of(CacheWrite.Stored);
        Cache.Set(Key(name), value, TimeSpan.FromMinutes(5));
        await Eventually.Holds("it is stored", () => Counters.Of(CacheWrite.Stored) > before);
    }

    /// <summary>Stores and reads back.</summary>
    public async Task WorksAsync(string name = "works")
    {
        await IsAsync(RedisState.Up);
        await SetAsync(name, [1, 2, 3]);
        Assert.Equal([1, 2, 3], await GetAsync(name));
    }

    public ValueTask DisposeAsync() => Link.DisposeAsync();
}
