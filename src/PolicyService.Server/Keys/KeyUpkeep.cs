using PolicyService.Core.Attestors;
using PolicyService.Evidence.Keys;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Keys;

/// <summary>
/// Looks after the keys in use in the background: reads their state, fetches them again before they are old, forgets those no document
/// names, and logs each change once.
/// </summary>
public sealed partial class KeyUpkeep : BackgroundService
{
    private readonly PublicKeyCache _keys;
    private readonly SnapshotInForce _inForce;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger<KeyUpkeep> _logger;

    public KeyUpkeep(PublicKeyCache keys, SnapshotInForce inForce, ServerSettings settings, TimeProvider time, ILogger<KeyUpkeep> logger)
    {
        (_keys, _inForce, _interval, _time, _logger) = (keys, inForce, settings.KmsStateInterval, time, logger);
        _keys.Changed += Log;
        _keys.States.Changed += Log;
    }

    /// <summary>One round over all keys.</summary>
    internal async Task RoundAsync(CancellationToken cancellation)
    {
        if (_inForce.Current is { } version)
        {
            _keys.Retain(version.Snapshot.RemoteKeys);
        }

        await _keys.MaintainAsync(cancellation);
    }

    public override void Dispose()
    {
        _keys.Changed -= Log;
        _keys.States.Changed -= Log;
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            // Replicas that started together must not ask together.
            await Task.Delay(_interval * (0.9 + (0.2 * Random.Shared.NextDouble())), _time, stoppingToken);
            try
            {
                await RoundAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // A defect here must not end the service: the keys in memory are right without it.
                LogDefect(_logger, exception);
            }
        }
    }

    private void Log(KeyChange change)
    {
        switch (change)
        {
            case KeyChange.Availability { Failure: { } failure }:
                LogUnavailable(_logger, change.Name, KeyFailures.Name(failure), KeyFailures.Why(failure));
                break;
            case KeyChange.Availability:
                LogAvailable(_logger, change.Name);
                break;
            case KeyChange.Readability { Failure: { } failure }:
                LogUnreadable(_logger, change.Name, KeyFailures.Name(failure), KeyFailures.Why(failure));
                break;
            case KeyChange.Readability:
                LogReadable(_logger, change.Name);
                break;
            case KeyChange.State { Now: KeyState.Enabled }:
                LogEnabled(_logger, change.Name);
                break;
            case KeyChange.State state:
                LogState(_logger, change.Name, KeyGauges.NameOf(state.Now));
                break;
        }
    }

    [LoggerMessage(40, LogLevel.Warning, "The public key {Key} cannot be had, KMS:{Failure}: {Why}; if it is in memory it stays")]
    private static partial void LogUnavailable(ILogger logger, KmsKeyName key, string failure, string why);

    [LoggerMessage(41, LogLevel.Information, "The public key {Key} can be had again")]
    private static partial void LogAvailable(ILogger logger, KmsKeyName key);

    [LoggerMessage(42, LogLevel.Warning, "The key version {Key} is {State} in Cloud KMS; its signatures count unless the project sets revokeOnKmsDisable")]
    private static partial void LogState(ILogger logger, KmsKeyName key, string state);

    [LoggerMessage(43, LogLevel.Information, "The key version {Key} is ENABLED in Cloud KMS again")]
    private static partial void LogEnabled(ILogger logger, KmsKeyName key);

    [LoggerMessage(45, LogLevel.Warning, "The state of the key version {Key} cannot be read, KMS:{Failure}: {Why}; the last one read holds, and where revokeOnKmsDisable is set and none was read its signatures do not count")]
    private static partial void LogUnreadable(ILogger logger, KmsKeyName key, string failure, string why);

    [LoggerMessage(46, LogLevel.Information, "The state of the key version {Key} can be read again")]
    private static partial void LogReadable(ILogger logger, KmsKeyName key);

    [LoggerMessage(44, LogLevel.Error, "Looking after the keys failed; the next round tries again")]
    private static partial void LogDefect(ILogger logger, Exception exception);
}
