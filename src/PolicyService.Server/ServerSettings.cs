using System.Net;
using PolicyService.Core.Documents;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Registries;
using PolicyService.Server.Access;
using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Caching;
using PolicyService.Server.Policies;

namespace PolicyService.Server;

/// <summary>A setting that stops the start. The message is one line: what is wrong, and the remedy.</summary>
public sealed class SettingsException(string message) : Exception(message);

/// <summary>The settings of the service (ARCHITECTURE section 4), read and checked once, before anything listens.</summary>
public sealed record ServerSettings
{
    /// <summary>Where gRPC listens: HTTP/2; loopback only, unless there are authentication and TLS.</summary>
    public required IPEndPoint Grpc { get; init; }

    /// <summary>Where HTTP/1.1 listens: REST, health, metrics; bound like the other.</summary>
    public required IPEndPoint Http { get; init; }

    /// <summary>Directory of documents; null: there is none.</summary>
    public string? PoliciesDirectory { get; init; }

    /// <summary>File of the embedded store; null: there is none.</summary>
    public string? StorePath { get; init; }

    /// <summary>Connection string of the shared store, which may hold a password; null: there is none.</summary>
    public string? StorePostgres { get; init; }

    /// <summary>File that holds its password; null: the connection string has it, or none is needed.</summary>
    public string? StorePostgresPasswordFile { get; init; }

    /// <summary>File of decision records; null: standard output.</summary>
    public string? AuditFile { get; init; }

    /// <summary>Every record is on disk before its answer; otherwise only those of overrides and admissions in doubt.</summary>
    public bool AuditDurable { get; init; }

    /// <summary>Where Cloud KMS answers.</summary>
    public required KmsEndpoint KmsEndpoint { get; init; }

    /// <summary>How often the state of key versions is read again; 1 s to 24 h.</summary>
    public required TimeSpan KmsStateInterval { get; init; }

    /// <summary>Redis; null: there is none.</summary>
    public RedisSetup? Redis { get; init; }

    /// <summary>What the service brings to registries.</summary>
    public required RegistrySettings Registries { get; init; }

    /// <summary>Whose credentials count.</summary>
    public required AuthenticationSettings Authentication { get; init; }

    /// <summary>The service's own certificate; null: both ports are without TLS.</summary>
    public TlsSettings? Tls { get; init; }

    /// <summary>How both ports are addressed.</summary>
    public string Scheme => Tls is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;

    /// <summary>The access file; null: there is none.</summary>
    public string? AccessFile { get; init; }

    /// <summary>Whoever asks must be somebody, and is granted nothing but what the rules of access say. False: everybody is anonymous and may do everything.</summary>
    public bool RequiresCallers { get; init; }

    /// <summary>How often each source of documents is looked at.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <param name="configuration">Flags and environment.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="requiresCallers">Callers must be somebody, whatever the settings.</param>
    /// <exception cref="SettingsException">A setting is missing, unknown or unusable.</exception>
    public static ServerSettings Read(IConfiguration configuration, IEnumerable<string> arguments, bool requiresCallers = false)
    {
        RefuseUnknown(arguments);
        var directory = Text(configuration, SettingsTable.PoliciesDirectory);
        var (path, postgres) = (Text(configuration, SettingsTable.StorePath), Text(configuration, SettingsTable.StorePostgres));
        if (directory is null && path is null && postgres is null)
        {
            throw new SettingsException("no documents: set --Policies:Directory to the directory that holds policy.yaml, or --Store:Path to the file of a store");
        }

        if (path is not null && postgres is not null)
        {
            throw new SettingsException("--Store:Path and --Store:Postgres are both set: a service has one store, so leave one out");
        }

        var passwordFile = Text(configuration, SettingsTable.StorePostgresPasswordFile);
        if (passwordFile is not null && postgres is null)
        {
            throw new SettingsException($"{SettingsTable.StorePostgresPasswordFile.Flag} is set, and no PostgreSQL: set {SettingsTable.StorePostgres.Flag} too, or leave it out");
        }

        if (directory is not null && !Directory.Exists(directory))
        {
            throw new SettingsException($"the documents directory `{directory}` does not exist: create it, or mend --Policies:Directory");
        }

        var durable = configuration[SettingsTable.AuditDurable.Name];
        if (durable is not (null or "true" or "false"))
        {
            throw new SettingsException($"--Audit:Durable is `{durable}`: write true or false");
        }

        var (authentication, tls) = (AuthenticationSettings.Read(configuration), TlsSettings.Read(configuration));
        var access = Text(configuration, SettingsTable.AccessFile) is { } given ? Path.GetFullPath(given) : null;
        if (access is not null)
        {
            // One that cannot be used stops the start here, in one line.
            AccessFileSource.ReadAtStart(access);
        }

        authentication = authentication with { IsOn = authentication.IsOn || requiresCallers || access is not null };
        if (authentication.ClientCa is not null && tls is null)
        {
            throw new SettingsException($"{SettingsTable.AuthClientCa.Flag} is set and there is no TLS, so no client can show a certificate: set {SettingsTable.TlsCertificate.Flag} and {SettingsTable.TlsKey.Flag}");
        }

        return new ServerSettings
        {
            Grpc = ListenAddress.Read(configuration, SettingsTable.UrlsGrpc, authentication.IsOn, tls is not null),
            Http = ListenAddress.Read(configuration, SettingsTable.UrlsHttp, authentication.IsOn, tls is not null),
            Authentication = authentication,
            Tls = tls,
            RequiresCallers = authentication.IsOn,
            PoliciesDirectory = directory is null ? null : Path.GetFullPath(directory),
            StorePath = path is null ? null : Path.GetFullPath(path),
            StorePostgres = postgres,
            StorePostgresPasswordFile = passwordFile,
            AuditFile = Text(configuration, SettingsTable.AuditFile) is { } file ? Path.GetFullPath(file) : null,
            AuditDurable = durable == "true",
            KmsEndpoint = ReadKmsEndpoint(configuration),
            KmsStateInterval = ReadKmsStateInterval(configuration),
            Redis = RedisSetup.Read(configuration),
            Registries = new RegistrySettings { DockerConfigFile = ReadableFile(configuration, SettingsTable.RegistriesDockerConfig), CaFile = ReadableFile(configuration, SettingsTable.RegistriesCa) },
            AccessFile = access,
        };
    }

    private static string? Text(IConfiguration configuration, Setting setting) => configuration[setting.Name] is { Length: > 0 } text ? text : null;

    /// <summary>A file that is named and cannot be read would be missed when a delivery waits for it.</summary>
    private static string? ReadableFile(IConfiguration configuration, Setting setting)
    {
        if (Text(configuration, setting) is not { } text)
        {
            return null;
        }

        var file = Path.GetFullPath(text);
        try
        {
            File.OpenRead(file).Dispose();
            return file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"the file `{text}` of {setting.Flag} cannot be read ({exception.GetType().Name}): mend it, or leave the flag out");
        }
    }

    /// <summary>A misspelt flag would otherwise be ignored, and what it should have secured with it.</summary>
    private static void RefuseUnknown(IEnumerable<string> arguments)
    {
        var pending = "";
        foreach (var argument in arguments)
        {
            if (pending.Length > 0)
            {
                pending = "";
                continue;
            }

            var name = argument.Split('=')[0];
            var key = name.StartsWith("--", StringComparison.Ordinal) ? name[2..] : "";
            if (!SettingsTable.All.Any(setting => string.Equals(setting.Name, key, StringComparison.OrdinalIgnoreCase)))
            {
                throw new SettingsException($"unknown setting `{name}`: use one of {string.Join(", ", SettingsTable.All.Select(setting => setting.Flag))}");
            }

            pending = name == argument ? name : "";
        }

        if (pending.Length > 0)
        {
            throw new SettingsException($"{pending} has no value: write one behind it");
        }
    }

    private static KmsEndpoint ReadKmsEndpoint(IConfiguration configuration)
    {
        var text = configuration[SettingsTable.KmsEndpoint.Name] is { Length: > 0 } given ? given : SettingsTable.KmsEndpoint.Default;
        return KmsEndpoint.TryParse(text, out var endpoint)
            ? endpoint
            // What answers there says which keys are whose: nobody on the way may speak for it.
            : throw new SettingsException($"{SettingsTable.KmsEndpoint.Flag} is `{text}`: write https://<host>, or http:// with a loopback address");
    }

    private static TimeSpan ReadKmsStateInterval(IConfiguration configuration)
    {
        var text = configuration[SettingsTable.KmsStateInterval.Name] is { Length: > 0 } given ? given : SettingsTable.KmsStateInterval.Default!;
        return ValueParsers.Duration(text, out var interval, out _) && interval <= TimeSpan.FromDays(1)
            ? interval
            : throw new SettingsException($"{SettingsTable.KmsStateInterval.Flag} is `{text}`: write a duration from 1s to 24h, such as {SettingsTable.KmsStateInterval.Default}");
    }
}
