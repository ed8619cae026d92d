using System.Text;
using Npgsql;
using PolicyService.Evidence.Caching;

namespace PolicyService.Server.Storage;

/// <summary>
/// The password of PostgreSQL, read from its file whenever a connection is made: a changed password needs no restart. While the file cannot be
/// read the last one counts.
/// </summary>
internal sealed class PostgresPassword
{
    private readonly string _file;
    private volatile string _last;

    private PostgresPassword(string file, string password) => (_file, _last) = (file, password);

    /// <exception cref="SettingsException">There is no password in the file, or a second one in the connection string.</exception>
    public static PostgresPassword Open(string file, NpgsqlConnectionStringBuilder builder)
    {
        var flag = SettingsTable.StorePostgresPasswordFile.Flag;
        if (!string.IsNullOrEmpty(builder.Password))
        {
            throw new SettingsException($"{SettingsTable.StorePostgres.Flag} holds a password, and {flag} is set: leave the former out");
        }

        try
        {
            return Parse(SecretFile.Read(file)) is { } password
                ? new PostgresPassword(file, password)
                : throw new SettingsException($"the password file `{file}` is empty or no UTF-8: mend {flag}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"the password file `{file}` cannot be read ({exception.GetType().Name}): mend {flag}");
        }
    }

    /// <summary>A pool of connections that asks for the password each time it opens one. It lives as long as the service.</summary>
    public NpgsqlDataSource SourceOf(NpgsqlConnectionStringBuilder builder) =>
        new NpgsqlDataSourceBuilder(builder.ConnectionString).UsePasswordProvider(_ => Current(), (_, _) => ValueTask.FromResult(Current())).Build();

    private string Current()
    {
        try
        {
            return Parse(SecretFile.Read(_file)) is { } password ? _last = password : _last;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return _last;
        }
    }

    private static string? Parse(byte[] content)
    {
        try
        {
            // Editors end a file with a line end, passwords do not.
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content).TrimEnd('\r', '\n');
            return text.Length > 0 ? text : null;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
