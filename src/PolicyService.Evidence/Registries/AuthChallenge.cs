using System.Buffers;
using PolicyService.Core;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// How a registry wants to be asked: what it says beside a 401 (RFC 9110 section 11.6.1; OCI distribution's token authentication). What
/// it says about the scope is not read: nobody is asked for more than the right to pull.
/// </summary>
/// <param name="Realm">Where bearer tokens are given; null: the credential itself is sent (Basic).</param>
/// <param name="Service">What the realm is to be told the token is for; empty: nothing.</param>
internal sealed record AuthChallenge(string? Realm, string Service)
{
    private const int MaxParameterLength = 2048;

    private static readonly SearchValues<char> TokenCharacter = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/");

    public bool IsBasic => Realm is null;

    /// <summary>The best of the challenges: a bearer token before the credential itself.</summary>
    /// <param name="headers">The headers <c>WWW-Authenticate</c>, as they came.</param>
    /// <returns>Null: none that is understood.</returns>
    public static AuthChallenge? Choose(IEnumerable<string> headers)
    {
        AuthChallenge? chosen = null;
        foreach (var (scheme, parameters) in headers.SelectMany(Read).Take(Limits.RegistryChallenges))
        {
            if (scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && parameters.TryGetValue("realm", out var realm))
            {
                return new AuthChallenge(realm, parameters.GetValueOrDefault("service", ""));
            }

            chosen ??= scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) ? new AuthChallenge(null, "") : null;
        }

        return chosen;
    }

    /// <summary>The challenges of one header, up to what is malformed; a challenge that is itself malformed or names a parameter twice is none.</summary>
    private static IEnumerable<(string Scheme, Dictionary<string, string> Parameters)> Read(string header)
    {
        var (position, scheme, parameters) = (0, "", new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase));
        while (true)
        {
            position = Skip(header, position, " \t,");
            var word = Word(header, position);
            var after = Skip(header, position + word.Length, " \t");
            var isParameter = scheme.Length > 0 && after < header.Length && header[after] == '=';
            if (!isParameter && scheme.Length > 0)
            {
                // A word alone that directly follows its scheme is a token, not a scheme; whatever it is, no scheme of ours has one.
                yield return (scheme, parameters);
                (scheme, parameters) = ("", new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase));
            }

            if (word.Length == 0)
            {
                yield break;
            }

            if (!isParameter)
            {
                (scheme, position) = (word, after);
                continue;
            }

            if (!TryReadValue(header, after + 1, out var value, out position) || parameters.Count == Limits.RegistryChallenges || !parameters.TryAdd(word, value))
            {
                yield break;
            }
        }
    }

    private static bool TryReadValue(string header, int start, out string value, out int end)
    {
        start = Skip(header, start, " \t");
        if (start == header.Length || header[start] != '"')
        {
            value = Word(header, start);
            // What pads a token (`Negotiate YII==`) is a value without text.
            end = Skip(header, start + value.Length, "=");
            return value.Length <= MaxParameterLength && (end == header.Length || header[end] is ' ' or '\t' or ',');
        }

        var text = new System.Text.StringBuilder();
        for (end = start + 1; end < header.Length && text.Length <= MaxParameterLength; end++)
        {
            if (header[end] == '"')
            {
                (value, end) = (text.ToString(), end + 1);
                return true;
            }

            end += header[end] == '\\' ? 1 : 0;
            text.Append(end < header.Length ? header[end] : '\0');
        }

        value = "";
        return false;
    }

    private static string Word(string header, int start)
    {
        var length = header.AsSpan(start).IndexOfAnyExcept(TokenCharacter);
        return length < 0 ? header[start..] : header.Substring(start, length);
    }

    private static int Skip(string header, int start, string characters)
    {
        var length = header.AsSpan(start).IndexOfAnyExcept(characters);
        return length < 0 ? header.Length : start + length;
    }
}
