using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;

namespace PolicyService.Evidence.Caching;

/// <summary>How Redis is reached, checked before the service starts.</summary>
public sealed record RedisSettings
{
    private readonly ConfigurationOptions _options;

    private RedisSettings(ConfigurationOptions options, PasswordFile? password, X509Certificate2Collection? authorities) =>
        (_options, Password, Authorities) = (options, password, authorities);

    /// <summary>How long an answer is waited for: small against a request's deadline, which a slow Redis must not use up.</summary>
    public TimeSpan OperationTimeout { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A cluster has several endpoints and may name others; a single server, or the primary that sentinels name, may not.</summary>
    internal bool IsCluster => _options.EndPoints.Count > 1 && string.IsNullOrEmpty(_options.ServiceName);

    internal PasswordFile? Password { get; }

    internal X509Certificate2Collection? Authorities { get; }

    /// <param name="connection">A connection string of StackExchange.Redis.</param>
    /// <param name="passwordFile">Path of a file that holds the password, without one in the connection string.</param>
    /// <param name="authorityFile">Path of a PEM file with the certificates that the server's must come from; null: the system's.</param>
    /// <param name="problem">What is wrong, with the remedy. It quotes nothing of the connection string: a password stands there.</param>
    /// <returns>Null if there is a problem.</returns>
    public static RedisSettings? Read(string connection, string? passwordFile, string? authorityFile, out string? problem)
    {
        if (!TryParse(connection, out var options) || options.EndPoints.Count == 0)
        {
            problem = "--Redis:Connection is no connection string of StackExchange.Redis: write host:port, and options such as ssl=true behind commas (a password with a comma belongs in --Redis:PasswordFile)";
            return null;
        }

        problem = passwordFile is not null && options.Password is not null ? "two passwords for Redis: write it into --Redis:Connection or into --Redis:PasswordFile"
            : authorityFile is not null && !options.Ssl ? "--Redis:Ca without TLS would secure nothing: write ssl=true into --Redis:Connection"
            : options.Tunnel is not null ? "--Redis:Connection names a tunnel, and there is none: take it out"
            : null;
        var password = passwordFile is null ? null : PasswordFile.Open(passwordFile, ref problem);
        var authorities = authorityFile is null ? null : ReadAuthorities(authorityFile, ref problem);
        return problem is null ? new RedisSettings(options, password, authorities) : null;
    }

    /// <summary>The client library's own settings, for one connection of the service.</summary>
    internal ConfigurationOptions ToOptions(TimeProvider time)
    {
        var options = _options.Clone();
        options.Tunnel = new RedisTunnel(options, IsCluster, Authorities, time);
        // The tunnel encrypts, because it reads along with what is decrypted.
        options.Ssl = false;
        // Two connections, one for values and one for bells: neither can delay the other.
        options.Protocol = RedisProtocol.Resp2;
        // A service starts without Redis, and nothing waits for a connection.
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ConnectTimeout = 2000;
        options.ConnectRetry = 1;
        options.AsyncTimeout = 1000;
        options.SyncTimeout = 1000;
        options.ReconnectRetryPolicy = new LinearRetry(500);
        options.HeartbeatInterval = TimeSpan.FromMilliseconds(500);
        options.KeepAlive = 10;
        // Nobody on the server tells us to reconfigure, and it need not know who we are.
        options.ConfigurationChannel = "";
        options.TieBreaker = "";
        options.SetClientLibrary = false;
        options.ClientName = "policyservice";
        options.AllowAdmin = false;
        options.CommandMap = CommandMap.Create(IsCluster ? ["CONFIG"] : ["CONFIG", "CLUSTER"], available: false);
        if (Password is not null)
        {
            options.Defaults = Password;
        }

        return options;
    }

    private static bool TryParse(string connection, out ConfigurationOptions options)
    {
        try
        {
            options = ConfigurationOptions.Parse(connection);
            options.SetDefaultPorts();
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            options = new ConfigurationOptions();
            return false;
        }
    }

    private static X509Certificate2Collection? ReadAuthorities(string file, ref string? problem)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            problem ??= $"the certificates in `{file}` cannot be read ({exception.GetType().Name}): mend --Redis:Ca";
        }

        if (authorities.Count == 0)
        {
            problem ??= $"`{file}` holds no certificate in PEM: mend --Redis:Ca";
        }

        return authorities;
    }
}
