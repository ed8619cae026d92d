using PolicyService.Evidence.Caching;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Caching;

/// <summary>Starts the link to Redis, which the service does not wait for, and logs how it does: one line for each change.</summary>
public sealed partial class RedisKeeper(RedisLink link, RedisSetup setup, RedisBell bell, ILogger<RedisKeeper> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var warning in setup.Warnings)
        {
            LogWarning(logger, warning);
        }

        link.StateChanged += Log;
        bell.Listen();
        link.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Log(RedisState state)
    {
        switch (state)
        {
            case RedisState.Up:
                LogUp(logger);
                break;
            case RedisState.Refusing:
                LogRefusing(logger);
                break;
            default:
                LogDown(logger);
                break;
        }
    }

    [LoggerMessage(10, LogLevel.Information, "Redis answers")]
    private static partial void LogUp(ILogger logger);

    [LoggerMessage(11, LogLevel.Warning, "Redis stores nothing (full, read-only, or not permitted); what is there is still read")]
    private static partial void LogRefusing(ILogger logger);

    [LoggerMessage(12, LogLevel.Warning, "Redis does not answer in time, or with errors; the service goes on without it and tries again")]
    private static partial void LogDown(ILogger logger);

    [LoggerMessage(13, LogLevel.Warning, "{Warning}")]
    private static partial void LogWarning(ILogger logger, string warning);
}
