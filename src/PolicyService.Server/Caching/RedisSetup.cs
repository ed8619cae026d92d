using Microsoft.Extensions.Configuration.CommandLine;
using PolicyService.Evidence.Caching;

namespace PolicyService.Server.Caching;

/// <summary>Redis as the settings describe it.</summary>
/// <param name="Redis">How it is reached.</param>
/// <param name="Fleet">The secret of the fleet; null: only public keys are shared.</param>
/// <param name="Warnings">What is worth a line in the log at start.</param>
public sealed record RedisSetup(RedisSettings Redis, FleetKey? Fleet, IReadOnlyList<string> Warnings)
{
    /// <returns>Null: there is no Redis.</returns>
    /// <exception cref="SettingsException">A setting is unusable, or secures nothing.</exception>
    public static RedisSetup? Read(IConfiguration configuration)
    {
        var connection = Given(configuration, SettingsTable.RedisConnection);
        var files = new[] { SettingsTable.RedisPasswordFile, SettingsTable.RedisFleetKeyFile, SettingsTable.RedisCa };
        if (connection is null)
        {
            return files.FirstOrDefault(setting => Given(configuration, setting) is not null) is { } idle
                ? throw new SettingsException($"{idle.Flag} is set and there is no Redis: set --Redis:Connection, or take it away")
                : null;
        }

        var passwordFile = Given(configuration, SettingsTable.RedisPasswordFile);
        var fleetKeyFile = Given(configuration, SettingsTable.RedisFleetKeyFile);
        var redis = RedisSettings.Read(connection, passwordFile, Given(configuration, SettingsTable.RedisCa), out var problem)
            ?? throw new SettingsException(problem!);
        var fleet = fleetKeyFile is null ? null : ReadFleetKey(fleetKeyFile);
        var open = new[] { passwordFile, fleetKeyFile }.OfType<string>().Where(SecretFile.IsReadableByOthers);
        return new RedisSetup(redis, fleet, [.. open.Select(file => $"everybody on this machine may read `{file}`: take that right away (chmod o-r)"), .. OnCommandLine(configuration)]);
    }

    private static IEnumerable<string> OnCommandLine(IConfiguration configuration)
    {
        var providers = configuration is IConfigurationRoot root ? root.Providers.OfType<CommandLineConfigurationProvider>() : [];
        if (providers.Any(provider => provider.TryGet(SettingsTable.RedisConnection.Name, out var text) && text?.Contains("password=", StringComparison.OrdinalIgnoreCase) is true))
        {
            yield return "the password of Redis stands on the command line, where every list of processes shows it: use --Redis:PasswordFile, or the environment variable Redis__Connection";
        }
    }

    private static string? Given(IConfiguration configuration, Setting setting) => configuration[setting.Name] is { Length: > 0 } text ? text : null;

    private static FleetKey ReadFleetKey(string file)
    {
        try
        {
            var secret = SecretFile.Read(file);
            return FleetKey.ProblemOf(secret) is { } problem
                ? throw new SettingsException($"the fleet key in `{file}` is unusable, {problem}: make one with `openssl rand -base64 48` and give it to every replica")
                : new FleetKey(secret);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"the fleet key file `{file}` cannot be read ({exception.GetType().Name}): mend --Redis:FleetKeyFile");
        }
    }
}
