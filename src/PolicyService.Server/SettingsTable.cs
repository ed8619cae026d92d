namespace PolicyService.Server;

/// <summary>One setting of the service, as people write it and read of it.</summary>
/// <param name="Name">Its key, with <c>:</c> between the parts.</param>
/// <param name="Type">What may be written, in words for people.</param>
/// <param name="Default">What counts if nothing is written; null if there is no such text.</param>
/// <param name="WithoutIt">What happens if nothing is written, where that is no text.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record Setting(string Name, string Type, string? Default, string WithoutIt, string Meaning)
{
    /// <summary>Its command line flag.</summary>
    public string Flag => "--" + Name;

    /// <summary>Its environment variable.</summary>
    public string Variable => Name.Replace(":", "__", StringComparison.Ordinal);
}

/// <summary>Every setting there is. What is read, what is refused as unknown, and <c>docs/settings.md</c> come from here.</summary>
internal static class SettingsTable
{
    public static Setting PoliciesDirectory { get; } = new(
        "Policies:Directory", "directory", null, "none", "Directory of documents; watched, read before anything listens.");

    public static Setting StorePath { get; } = new(
        "Store:Path", "file", null, "none", "SQLite file of the store, created at first start. One machine uses it.");

    public static Setting StorePostgres { get; } = new(
        "Store:Postgres", "connection string", null, "none", "PostgreSQL database of the store: `Host=…;Database=…;Username=…`. Every replica uses the same.");

    public static Setting StorePostgresPasswordFile { get; } = new(
        "Store:PostgresPasswordFile",
        "file",
        null,
        "none",
        "File that holds the password of PostgreSQL, which a flag would show to everybody on the machine; read again for each new connection.");

    public static Setting AuditFile { get; } = new(
        "Audit:File", "file", null, "standard output", "File of decision records, one JSON line each.");

    public static Setting AuditDurable { get; } = new(
        "Audit:Durable",
        "`true` or `false`",
        "false",
        "",
        "`true`: every record is on disk before its answer; `false`: only those of overrides and admissions in doubt.");

    public static Setting UrlsGrpc { get; } = new(
        "Urls:Grpc",
        "`http://<loopback address>:<port>`, with TLS `https://<address>:<port>`",
        "http://127.0.0.1:50051",
        "",
        "Where gRPC listens: HTTP/2. With TLS the default is `https://127.0.0.1:50051`; beyond loopback it needs authentication and TLS. Port 0 takes a free port.");

    public static Setting UrlsHttp { get; } = new(
        "Urls:Http", "the same", "http://127.0.0.1:8080", "", "Where REST, health and metrics listen: HTTP/1.1. Port 0 takes a free port.");

    public static Setting KmsEndpoint { get; } = new(
        "Kms:Endpoint",
        "`https://<host>`, or `http://<loopback address>:<port>`",
        Evidence.Keys.KmsEndpoint.Default,
        "",
        "Where Cloud KMS answers. Over https with Application Default Credentials; over http, which is this machine, without any.");

    public static Setting KmsStateInterval { get; } = new(
        "Kms:StateInterval", "duration, `1s` to `24h`", "1m", "", "How often the state of the KMS key versions in use is read again.");

    public static Setting RedisConnection { get; } = new(
        "Redis:Connection",
        "connection string of StackExchange.Redis",
        null,
        "no Redis",
        "Redis for the replicas of a fleet: `host:6379,ssl=true,user=NAME`; with sentinels their addresses and `serviceName=NAME`; of a cluster several addresses.");

    public static Setting RedisPasswordFile { get; } = new(
        "Redis:PasswordFile", "file", null, "none", "File that holds the password of Redis; read again for each new connection.");

    public static Setting RedisFleetKeyFile { get; } = new(
        "Redis:FleetKeyFile",
        "file of 32 to 4096 bytes",
        null,
        "none: only public keys are shared",
        "Secret of the fleet, the same bytes on every replica: what they share through Redis is sealed under it.");

    public static Setting RedisCa { get; } = new(
        "Redis:Ca", "file in PEM", null, "the system's", "Certificates that the certificate of Redis must come from; needs `ssl=true`.");

    public static Setting RegistriesDockerConfig { get; } = new(
        "Registries:DockerConfig",
        "file",
        null,
        "`config.json` in `$DOCKER_CONFIG`, else in `~/.docker`",
        "Docker config file with the credentials for registries whose `credentials` are `docker-config` (`docs/registries.md`); read again when it changes.");

    public static Setting RegistriesCa { get; } = new(
        "Registries:Ca", "file in PEM", null, "the system's alone", "Authorities that certificates of registries may come from, beside the system's; read again when it changes.");

    public static Setting AuthIssuer { get; } = new(
        "Auth:Jwt:Issuer", "the exact `iss`", null, "none", "Issuer of JWTs that callers authenticate with. It may speak for every address and for groups.");

    public static Setting AuthAudience { get; } = new(
        "Auth:Jwt:Audience", "the exact `aud`", null, "none", "What the tokens of this issuer must be for; needed with it.");

    public static Setting AuthKeysFile { get; } = new(
        "Auth:Jwt:KeysFile", "file: a JWK Set, or public keys in PEM", null, "OpenID Connect discovery", "Keys of this issuer; read again within a second of a change.");

    public static Setting AuthKeysInterval { get; } = new(
        "Auth:Jwt:KeysInterval",
        "duration, `10s` to `24h`",
        "5m",
        "",
        "How often keys are looked for anew by discovery: a key the issuer takes away counts no more after it. A token of an unknown key has them looked for at once, every 2 s at most.");

    public static Setting AuthClockSkew { get; } = new(
        "Auth:Jwt:ClockSkew", "duration, `0s` to `10m`", "60s", "", "How far the clocks of issuers may be off, for `exp` and `nbf`.");

    public static Setting AuthClientCa { get; } = new(
        "Auth:ClientCa",
        "file in PEM",
        null,
        "clients need no certificate",
        "Authorities of client certificates, and no others count; needs TLS. Read again within a second: one taken away counts no more, on open connections too.");

    public static Setting TlsCertificate { get; } = new(
        "Tls:Certificate", "file in PEM", null, "no TLS", "The service's certificate, followed by those between it and its authority; read again within a second, for new connections.");

    public static Setting TlsKey { get; } = new(
        "Tls:Key", "file in PEM, not encrypted", null, "no TLS", "Its private key.");

    public static Setting AccessFile { get; } = new(
        "Access:File", "file", null, "nobody is granted anything but by stored IAM policies", "Who may ask and change what (`docs/access.md`), where authentication is configured; watched.");

    public static IReadOnlyList<Setting> All { get; } =
    [
        PoliciesDirectory, StorePath, StorePostgres, StorePostgresPasswordFile, AuditFile, AuditDurable, UrlsGrpc, UrlsHttp, KmsEndpoint, KmsStateInterval,
        RedisConnection, RedisPasswordFile, RedisFleetKeyFile, RedisCa, RegistriesDockerConfig, RegistriesCa, AccessFile,
        AuthIssuer, AuthAudience, AuthKeysFile, AuthKeysInterval, AuthClockSkew, AuthClientCa, TlsCertificate, TlsKey,
    ];

    /// <summary>The text of <c>docs/settings.md</c>.</summary>
    public static string ToMarkdown() => string.Join('\n',
    [
        "# Settings",
        "",
        "Every setting of the service, written from its own table of them (`SettingsTable`); a test fails where the two differ. A setting is a",
        "flag (`--Audit:Durable true` or `--Audit:Durable=true`) or an environment variable; the flag wins. Case does not matter in flags.",
        "Documents come from a directory, from the store (one of the two databases), or from both; without any the service does not start.",
        "An unknown flag, a flag without its value, and a value that cannot be used stop the start with one line and exit code 2.",
        "",
        "| flag | environment variable | value | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        .. All.Select(setting =>
            $"| `{setting.Flag}` | `{setting.Variable}` | {setting.Type} | {(setting.Default is null ? setting.WithoutIt : $"`{setting.Default}`")} | {setting.Meaning} |"),
        "",
    ]);
}
