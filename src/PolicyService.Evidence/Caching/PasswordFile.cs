using System.Text;
using StackExchange.Redis.Configuration;

namespace PolicyService.Evidence.Caching;

/// <summary>
/// The password of Redis, read from its file whenever a connection is made: a changed password needs no restart. While the file cannot
/// be read the last one counts.
/// </summary>
internal sealed class PasswordFile : DefaultOptionsProvider
{
    private readonly string _file;
    private volatile string _last;

    private PasswordFile(string file, string password) => (_file, _last) = (file, password);

    /// <summary>Asked by the client library for each connection it makes.</summary>
    public override string? Password
    {
        get
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
    }

    /// <returns>Null with a problem.</returns>
    public static PasswordFile? Open(string file, ref string? problem)
    {
        try
        {
            if (Parse(SecretFile.Read(file)) is { } password)
            {
                return new PasswordFile(file, password);
            }

            problem ??= $"the password file `{file}` is empty or no UTF-8: mend --Redis:PasswordFile";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem ??= $"the password file `{file}` cannot be read ({exception.GetType().Name}): mend --Redis:PasswordFile";
        }

        return null;
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
