using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>
/// A docker config file: <c>auths</c>, <c>credHelpers</c>, <c>credsStore</c>, and whatever else stands there, which is none of our business
/// (https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties). A host is found by its whole name.
/// </summary>
internal sealed class DockerConfig
{
    /// <summary>The name of Docker Hub in these files.</summary>
    public const string DockerHubUrl = "https://index.docker.io/v1/";

    private static readonly SearchValues<char> HelperCharacter = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _helpers = new(StringComparer.Ordinal);
    private string? _store;

    private DockerConfig()
    {
    }

    /// <returns>False: no such file; nothing is said of what it holds.</returns>
    public static bool TryParse(ReadOnlyMemory<byte> content, [NotNullWhen(true)] out DockerConfig? config)
    {
        config = new DockerConfig();
        try
        {
            // Never disposed: the entries are read when they are asked for.
            config = config.TryRead(JsonDocument.Parse(content, Strict).RootElement) ? config : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Text that is none is found only when it is asked for.
            config = null;
        }

        return config is not null;
    }

    /// <summary>The credential helper for a host: the one that is named for it, else the one for all.</summary>
    /// <returns>Null: none, so that what the file itself says counts.</returns>
    public string? FindHelper(string host)
    {
        var name = _helpers.TryGetValue(host, out var own) ? own : _store;
        return name is { Length: > 0 } ? name : null;
    }

    /// <summary>What the file itself says for a host.</summary>
    /// <returns>Null: nothing.</returns>
    /// <exception cref="CredentialsException">It says something, and no credential.</exception>
    public RegistryCredential? FindCredential(string host) => _entries.TryGetValue(host, out var entry) ? Read(entry.Value) : null;

    /// <summary>
    /// The host that a key of these files names: a host alone, or the URL of its API. Others (a repository, a pattern) are for other programs:
    /// they would hand one repository's credential to all of its host.
    /// </summary>
    internal static string? HostOf(string key)
    {
        var rest = key.StartsWith("https://", StringComparison.Ordinal) ? key[8..] : key.StartsWith("http://", StringComparison.Ordinal) ? key[7..] : key;
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var isWhole = slash < 0 || rest[slash..] is "/" or "/v1" or "/v1/" or "/v2" or "/v2/";
        return isWhole && RegistryOptions.TryParseHost(slash < 0 ? rest : rest[..slash], out var host) ? host : null;
    }

    private bool TryRead(JsonElement root)
    {
        var isRead = root.ValueKind is JsonValueKind.Object
            && TryReadMap(root, "auths", _entries, value => value.ValueKind is JsonValueKind.Object ? new Entry(value) : null)
            && TryReadMap(root, "credHelpers", _helpers, HelperName);
        if (isRead && TryFind(root, "credsStore", out var store))
        {
            _store = HelperName(store);
            return _store is not null;
        }

        return isRead;
    }

    private static bool TryReadMap<T>(JsonElement root, string name, Dictionary<string, T> target, Func<JsonElement, T?> read)
        where T : class
    {
        if (!TryFind(root, name, out var map))
        {
            return true;
        }

        if (map.ValueKind is not JsonValueKind.Object)
        {
            return false;
        }

        foreach (var property in map.EnumerateObject())
        {
            if (read(property.Value) is not { } value)
            {
                return false;
            }

            // The host as it is comes before its URL, and of two URLs the first.
            if (HostOf(property.Name) is { } host && (host == property.Name || !target.ContainsKey(host)))
            {
                target[host] = value;
            }
        }

        return true;
    }

    /// <summary>A null is what docker reads it as: nothing.</summary>
    private static bool TryFind(JsonElement root, string name, out JsonElement value) =>
        root.TryGetProperty(name, out value) && value.ValueKind is not JsonValueKind.Null;

    /// <summary>A helper is a program that is started: its name is a name and no path.</summary>
    private static string? HelperName(JsonElement value) =>
        value.ValueKind is JsonValueKind.String && value.GetString()! is { Length: <= 64 } name && !name.AsSpan().ContainsAnyExcept(HelperCharacter) ? name : null;

    private static RegistryCredential? Read(JsonElement entry)
    {
        var (user, secret) = (Text(entry, "username"), Text(entry, "password"));
        if (Text(entry, "auth") is { Length: > 0 } auth)
        {
            (user, secret) = Decode(auth);
        }

        if (Text(entry, "identitytoken") is { Length: > 0 } token)
        {
            return new RegistryCredential(user.Length > 0 ? user : CredentialHelper.TokenUser, token) { IsIdentityToken = true };
        }

        // `docker logout` leaves an empty entry, and a login with a helper does.
        return user.Length == 0 && secret.Length == 0 ? null : new RegistryCredential(user, secret);
    }

    private static string Text(JsonElement entry, string name)
    {
        if (!entry.TryGetProperty(name, out var value))
        {
            return "";
        }

        try
        {
            return value.ValueKind is JsonValueKind.String ? value.GetString()! : throw new CredentialsException(CallFailure.NoCredentials);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            throw new CredentialsException(CallFailure.NoCredentials);
        }
    }

    private static (string User, string Secret) Decode(string auth)
    {
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(auth));
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            // Docker itself once padded passwords with zeros.
            return colon > 0 ? (text[..colon], text[(colon + 1)..].Trim('\0')) : throw new CredentialsException(CallFailure.NoCredentials);
        }
        catch (Exception exception) when (exception is FormatException or DecoderFallbackException)
        {
            throw new CredentialsException(CallFailure.NoCredentials);
        }
    }

    private sealed record Entry(JsonElement Value);
}
