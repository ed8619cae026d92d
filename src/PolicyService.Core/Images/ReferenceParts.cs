namespace PolicyService.Core.Images;

/// <summary>
/// A reference cut at its delimiters, its parts not yet checked. Tag and digest keep their delimiter, so that an
/// empty one (<c>nginx:</c>) differs from none; the host is empty when none was written.
/// </summary>
internal readonly ref struct ReferenceParts
{
    public ReadOnlySpan<char> Host { get; private init; }

    public ReadOnlySpan<char> Path { get; private init; }

    public ReadOnlySpan<char> Tag { get; private init; }

    public ReadOnlySpan<char> Digest { get; private init; }

    public static ReferenceParts Cut(ReadOnlySpan<char> text)
    {
        var digest = From(text, '@');
        var named = text[..^digest.Length];
        var slash = named.IndexOf('/');
        var hasHost = slash > 0 && ReferenceGrammar.NamesHost(named[..slash]);
        var repository = hasHost ? named[(slash + 1)..] : named;
        var tag = From(repository, ':');
        return new ReferenceParts
        {
            Host = hasHost ? named[..slash] : default,
            Path = repository[..^tag.Length],
            Tag = tag,
            Digest = digest,
        };
    }

    private static ReadOnlySpan<char> From(ReadOnlySpan<char> text, char delimiter)
    {
        var at = text.IndexOf(delimiter);
        return at < 0 ? default : text[at..];
    }
}
