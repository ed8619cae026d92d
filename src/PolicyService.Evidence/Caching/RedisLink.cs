using StackExchange.Redis;

namespace PolicyService.Evidence.Caching;

/// <summary>How Redis does, as this replica sees it.</summary>
public enum RedisState
{
    /// <summary>Nothing has answered or failed yet.</summary>
    Connecting,

    /// <summary>It answers in time.</summary>
    Up,

    /// <summary>It answers, and stores nothing: full, read-only, or not permitted.</summary>
    Refusing,

    /// <summary>It does not answer, or with errors; only probes ask it.</summary>
    Down,
}

/// <summary>
/// The connection to Redis: reads bounded in time and length, writes in the background, and a circuit that spares requests the waiting
/// while Redis is ill. Whatever happens there is a miss here; no method throws but for the caller's cancellation.
/// </summary>
public sealed class RedisLink : IAsyncDisposable
{
    /// <summary>The probe's first round may meet code that was never run before.</summary>
    private const int ProbeAttempts = 3;

    /// <summary>
    /// Unanswered probes in a row on a connection that seems well, after which it is made anew: a reply that was once swallowed on the way
    /// leaves every later one to the request before.
    /// </summary>
    private const int ProbesPerConnection = 4;

    private static readonly RedisKey ProbeKey = "ps:1:probe";
    private static readonly TimeSpan WriteProbePause = TimeSpan.FromSeconds(1);

    /// <summary>Between two looks at a connection that does well; they send nothing.</summary>
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(1);

    private readonly RedisSettings _settings;
    private readonly TimeProvider _time;
    private readonly CircuitBreaker _circuit;
    private readonly RedisCalls _calls;
    private readonly RedisWriteQueue _writes;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _attention = new(0);
    private readonly List<(RedisChannel Channel, Action<ReadOnlyMemory<byte>> Handler)> _subscriptions = [];
    private Task _maintaining = Task.CompletedTask;
    private ConnectionMultiplexer? _multiplexer;
    private volatile RedisState _state;
    private volatile bool _isRefusing;
    private int _unanswered;

    public RedisLink(RedisSettings settings, CacheCounters counters, TimeProvider time)
    {
        (_settings, _time, _circuit, _calls) = (settings, time, new CircuitBreaker(time), new RedisCalls(settings, time));
        _writes = new RedisWriteQueue(counters, StoreAsync);
    }

    /// <summary>Raised once for each change, from the background.</summary>
    public event Action<RedisState>? StateChanged;

    public RedisState State => _state;

    /// <summary>Hears a channel from now on. Call it before <see cref="Start"/>.</summary>
    public void Subscribe(string channel, Action<ReadOnlyMemory<byte>> handler) => _subscriptions.Add((RedisChannel.Literal(channel), handler));

    /// <summary>Begins to connect, and returns.</summary>
    public void Start() => _maintaining = Task.Run(MaintainAsync);

    /// <summary>Reads a value in one round trip.</summary>
    /// <returns><see cref="CacheOutcome.Hit"/> with the bytes there, which nobody has judged; otherwise why there are none.</returns>
    public async ValueTask<(CacheOutcome Outcome, ReadOnlyMemory<byte> Value)> ReadAsync(CacheKey key, CancellationToken cancellation)
    {
        if (!_circuit.IsClosed || _multiplexer is not { } multiplexer)
        {
            return (CacheOutcome.Skipped, default);
        }

        var (outcome, value) = await _calls.ReadAsync(multiplexer, key.ToString(), cancellation);
        if (IsFailure(outcome))
        {
            Fail();
        }
        else if (outcome is not CacheOutcome.Skipped)
        {
            _circuit.Succeed();
        }

        return (outcome, value);
    }

    /// <summary>Stores a value some time soon, or drops it.</summary>
    public void Write(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime) =>
        _writes.Offer(key, value, lifetime, isOpen: _circuit.IsClosed && !_isRefusing);

    /// <summary>Tells everybody on the channel; whether they hear it nobody knows.</summary>
    public void Publish(string channel, ReadOnlyMemory<byte> message)
    {
        if (_circuit.IsClosed && _multiplexer is { } multiplexer)
        {
            _ = RedisCalls.TryAsync(() => multiplexer.GetSubscriber().PublishAsync(RedisChannel.Literal(channel), message, CommandFlags.FireAndForget));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _maintaining;
        await _writes.DisposeAsync();
        await DisconnectAsync();
        _stopping.Dispose();
        _attention.Dispose();
    }

    private async Task<bool> StoreAsync(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime)
    {
        if (!_circuit.IsClosed || _isRefusing || _multiplexer is not { } multiplexer)
        {
            return false;
        }

        var stored = await _calls.WriteAsync(multiplexer, key.ToString(), value, lifetime, _stopping.Token);
        if (stored is null)
        {
            Fail();
        }
        else if (stored is false)
        {
            _isRefusing = true;
            _attention.Release();
        }

        return stored is true;
    }

    /// <summary>Connects, probes what is ill, and says how it does.</summary>
    private async Task MaintainAsync()
    {
        try
        {
            while (true)
            {
                await ConnectAsync();
                // Nobody may be asking: a connection that is gone must not wait for them to be noticed.
                var isUp = (_circuit.IsClosed && _multiplexer is { IsConnected: true }) || await ProbeAsync();
                if (isUp && _isRefusing && _multiplexer is { } multiplexer)
                {
                    _isRefusing = await _calls.WriteAsync(multiplexer, ProbeKey, "probe"u8.ToArray(), WriteProbePause, _stopping.Token) is not true;
                }

                Tell(!isUp ? RedisState.Down : _isRefusing ? RedisState.Refusing : RedisState.Up);
                await PauseAsync(!isUp ? _circuit.Pause : _isRefusing ? WriteProbePause : Calm, isCalm: isUp && !_isRefusing);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The service stops.
        }
    }

    private async Task ConnectAsync()
    {
        if (_multiplexer is null)
        {
            await RedisCalls.TryAsync(async () =>
            {
                // Sentinels must answer before there is anything to connect to; everything else connects by itself from here on.
                var connected = await ConnectionMultiplexer.ConnectAsync(_settings.ToOptions(_time));
                foreach (var (channel, handler) in _subscriptions)
                {
                    // It fails while there is no connection, and is made up for when there is one.
                    await RedisCalls.TryAsync(() => connected.GetSubscriber().SubscribeAsync(channel, (_, message) => handler(message)));
                }

                _multiplexer = connected;
            });
        }
    }

    private async Task<bool> ProbeAsync()
    {
        var isAnswered = false;
        for (var attempt = 0; attempt < ProbeAttempts && !isAnswered && _multiplexer is { } multiplexer; attempt++)
        {
            var (outcome, _) = await _calls.ReadAsync(multiplexer, ProbeKey, _stopping.Token);
            isAnswered = !IsFailure(outcome) && outcome is not CacheOutcome.Skipped;
        }

        _circuit.Probed(isAnswered);
        _unanswered = isAnswered || _multiplexer is not { IsConnected: true } ? 0 : _unanswered + 1;
        if (_unanswered == ProbesPerConnection)
        {
            _unanswered = 0;
            await DisconnectAsync();
        }

        return isAnswered;
    }

    private async Task DisconnectAsync()
    {
        if (Interlocked.Exchange(ref _multiplexer, null) is { } multiplexer)
        {
            await RedisCalls.TryAsync(async () => await multiplexer.DisposeAsync());
        }
    }

    /// <summary>Until something needs attention, or for so long.</summary>
    private async Task PauseAsync(TimeSpan pause, bool isCalm)
    {
        // What was reported while there was work is being dealt with.
        while (_attention.Wait(0, CancellationToken.None))
        {
        }

        if (isCalm && (!_circuit.IsClosed || _isRefusing))
        {
            return;
        }

        using var pausing = new CancellationTokenSource(pause, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, pausing.Token);
        // Attention shortens the calm only: while Redis is ill the pause between probes holds.
        var waiting = isCalm ? _attention.WaitAsync(linked.Token) : Task.Delay(Timeout.InfiniteTimeSpan, _time, linked.Token);
        await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Token.ThrowIfCancellationRequested();
    }

    private void Fail()
    {
        if (_circuit.Fail())
        {
            _attention.Release();
        }
    }

    private void Tell(RedisState state)
    {
        if (_state != state)
        {
            _state = state;
            StateChanged?.Invoke(state);
        }
    }

    private static bool IsFailure(CacheOutcome outcome) => outcome is CacheOutcome.Timeout or CacheOutcome.Error;
}
