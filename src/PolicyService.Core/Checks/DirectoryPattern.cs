using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Checks;

/// <summary>
/// A trusted directory (SEMANTICS section 2): <c>d</c> holds the images directly in it, <c>d/*</c> those directly in its direct
/// sub-directories, <c>d/**</c> all of its own and deeper. A leading <c>*</c> stands for one part of the registry's name.
/// </summary>
public sealed class DirectoryPattern
{
    private readonly string _host;
    private readonly string _path;
    private readonly int _wildcard;

    private DirectoryPattern(string text, string host, string path, int wildcard) => (Text, _host, _path, _wildcard) = (text, host, path, wildcard);

    public string Text { get; }

    public static bool TryParse(string? text, [NotNullWhen(true)] out DirectoryPattern? pattern, out string problem)
    {
        pattern = null;
        problem = "write <registry>/<path>, optionally ending in /* or /**, the registry optionally with a leading * for one part of its name";
        text ??= "";
        var wildcard = text.EndsWith("/**", StringComparison.Ordinal) ? 2 : text.EndsWith("/*", StringComparison.Ordinal) ? 1 : 0;
        var directory = wildcard == 0 ? text : text[..^(wildcard + 1)];
        var slash = directory.IndexOf('/');
        var (host, path) = slash < 0 ? (directory, "") : (directory[..slash], directory[slash..]);
        if (text.Length > Limits.LongStringBytes || path.Contains('*') || path.EndsWith('/') || path.Contains("//", StringComparison.Ordinal) || !IsHost(host))
        {
            return false;
        }

        pattern = new DirectoryPattern(text, host, path, wildcard);
        return true;
    }

    /// <summary>Whether the image of this normalised name lies in the directory.</summary>
    public bool Contains(string imageName)
    {
        var slash = imageName.IndexOf('/');
        if (slash < 0 || !HostMatches(imageName.AsSpan(0, slash)))
        {
            return false;
        }

        var path = imageName.AsSpan(slash);
        if (!path.StartsWith(_path, StringComparison.Ordinal) || path.Length <= _path.Length || path[_path.Length] != '/')
        {
            return false;
        }

        var depth = path[(_path.Length + 1)..].Count('/');
        return _wildcard switch { 0 => depth == 0, 1 => depth == 1, _ => true };
    }

    /// <summary>A leading <c>*</c> stands for what precedes <c>-</c> or <c>.</c> in the first part of the name: one part, not several.</summary>
    private bool HostMatches(ReadOnlySpan<char> host)
    {
        if (_host[0] != '*')
        {
            return host.SequenceEqual(_host);
        }

        var rest = _host.AsSpan(1);
        return host.Length > rest.Length && host.EndsWith(rest, StringComparison.Ordinal) && !host[..^rest.Length].Contains('.');
    }

    private static bool IsHost(string host)
    {
        var bare = host.StartsWith('*') ? host[1..] : host;
        // `*pkg.dev` would match `evilpkg.dev`: the star must end at a hyphen or a dot.
        if (bare.Contains('*') || (bare.Length < host.Length && bare is not ['.' or '-', ..]) || bare.Any(char.IsWhiteSpace))
        {
            return false;
        }

        // `*.io` would trust a whole top-level domain: two words must stand beside the star.
        var words = bare.TrimStart('-').Split('.');
        return (bare.StartsWith('.') ? words[1..] : words) is { Length: >= 2 } named && named.All(word => word.Length > 0);
    }
}
