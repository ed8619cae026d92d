using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Images;

/// <summary>
/// An image as a workload names it. A tag can move after a decision, so evidence is only ever looked up by
/// <see cref="Digest"/>; a reference without one can still match an allowlist.
/// </summary>
public sealed record ImageReference
{
    internal const int MaxBytes = 1_024;
    internal const int MaxRepositoryLength = 255;

    private const string DockerHub = "docker.io";
    private const string LegacyDockerHub = "index.docker.io";
    private const string OfficialImages = "library/";

    /// <summary>
    /// <c>sha512:…</c> alone fits the grammar of name and tag. Nobody means that; read so, a digest would become a name an
    /// allowlist can match. The case is ignored because a host named <c>SHA256</c> would be lower-cased to one of these.
    /// </summary>
    private static readonly FrozenSet<string> DigestAlgorithms = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "md4", "md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256",
        "sha3-224", "sha3-256", "sha3-384", "sha3-512", "shake128", "shake256",
        "blake2b", "blake2b-256", "blake2b-384", "blake2b-512", "blake2s", "blake2s-128", "blake2s-256", "blake3");

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> DigestAlgorithm =
        DigestAlgorithms.GetAlternateLookup<ReadOnlySpan<char>>();

    private ImageReference(string text) => Text = text;

    /// <summary>The reference exactly as it was given.</summary>
    public string Text { get; }

    /// <summary>Registry host and repository, normalised, e.g. <c>ghcr.io/acme/api</c>; empty when only a digest was given.</summary>
    public string Name { get; private init; } = "";

    public string? Tag { get; private init; }

    public Digest? Digest { get; private init; }

    /// <summary>What name patterns run over: the name with tag and digest as written; empty when only a digest was given.</summary>
    public string MatchText { get; private init; } = "";

    /// <summary>A well-formed digest of another algorithm stood there. It counts as no digest.</summary>
    public bool HasUnusableDigest { get; private init; }

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ImageReference? image) =>
        TryParse(text, out image, out _);

    /// <summary>Reads a reference. The problem says what is wrong and what to do; it never repeats the text, which may be hostile.</summary>
    public static bool TryParse(
        [NotNullWhen(true)] string? text,
        [NotNullWhen(true)] out ImageReference? image,
        [NotNullWhen(false)] out string? problem)
    {
        image = null;
        if (Images.Digest.TryParse(text, out var bare))
        {
            image = new ImageReference(text) { Digest = bare };
            problem = null;
            return true;
        }

        problem = ProblemOfText(text);
        if (problem is not null)
        {
            return false;
        }

        var parts = ReferenceParts.Cut(text);
        problem = ProblemOfParts(parts);
        if (problem is not null)
        {
            return false;
        }

        image = Normalise(text!, parts);

        // The limit counts `library/` too, because the registry sees the normalised path.
        var repositoryLength = image.Name.Length - image.Name.AsSpan().IndexOf('/') - 1;
        if (repositoryLength <= MaxRepositoryLength)
        {
            return true;
        }

        image = null;
        problem = "the repository name is longer than 255 characters: shorten it";
        return false;
    }

    public override string ToString() => Text;

    private static string? ProblemOfText(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "the image reference is empty: write `host/repository@sha256:` and the digest";
        }

        // Characters suffice here: a text with more bytes than characters is refused as not ASCII.
        if (text.Length > MaxBytes)
        {
            return "the image reference is longer than 1,024 bytes: shorten it";
        }

        var odd = text.AsSpan().IndexOfAnyExceptInRange('!', '~');
        if (odd >= 0)
        {
            return char.IsAscii(text[odd])
                ? "the image reference has white space or a control character: remove it"
                : "the image reference has a character outside ASCII: write a host in punycode (`xn--`), a repository in a-z and 0-9";
        }

        if (text.Contains("://", StringComparison.Ordinal))
        {
            return "the image reference has a URL scheme: remove everything up to and including `://`";
        }

        if (text.Contains('%', StringComparison.Ordinal))
        {
            return "the image reference is percent-encoded: write the characters themselves";
        }

        if (ReferenceGrammar.IsLowerHex(text, 64))
        {
            return "64 hex digits alone are not a name: write `sha256:` before a digest";
        }

        var colon = text.AsSpan().IndexOf(':');
        return colon > 0 && DigestAlgorithm.Contains(text.AsSpan(0, colon))
            ? "a digest without a name must be `sha256:` and 64 lower-case hex digits"
            : null;
    }

    private static string? ProblemOfParts(ReferenceParts parts)
    {
        if (!parts.Host.IsEmpty && !ReferenceGrammar.IsHost(parts.Host))
        {
            return "the registry host is malformed: write a DNS name, an IPv4 address or an IPv6 address in brackets, "
                + "without a trailing dot, and a port only in digits";
        }

        if (!ReferenceGrammar.IsPath(parts.Path))
        {
            return "the repository name is malformed: write a-z and 0-9, between them single `.`, `_`, `__` or dashes, "
                + "and one `/` between two parts";
        }

        if (!parts.Tag.IsEmpty && !ReferenceGrammar.IsTag(parts.Tag[1..]))
        {
            return "the tag is malformed: write 1 to 128 letters, digits, `_`, `.` or `-`, the first no `.` or `-`";
        }

        return !parts.Digest.IsEmpty && !ReferenceGrammar.IsDigest(parts.Digest[1..])
            ? "the digest is malformed: write `@sha256:` and 64 lower-case hex digits"
            : null;
    }

    private static ImageReference Normalise(string text, ReferenceParts parts)
    {
        var host = NormaliseHost(parts.Host);
        var official = host is DockerHub && !parts.Path.Contains('/') ? OfficialImages : "";
        // Most references are written as they are matched: then there is one text of them.
        var isNormal = official.Length == 0 && parts.Host.SequenceEqual(host);
        var name = isNormal ? text[..(host.Length + 1 + parts.Path.Length)] : string.Concat($"{host}/{official}", parts.Path);
        var digest = !parts.Digest.IsEmpty && Images.Digest.TryParse(parts.Digest[1..], out var parsed) ? parsed : (Digest?)null;
        return new ImageReference(text)
        {
            Name = name,
            Tag = parts.Tag.IsEmpty ? null : parts.Tag[1..].ToString(),
            Digest = digest,
            MatchText = isNormal ? text : string.Concat(name, parts.Tag, parts.Digest),
            HasUnusableDigest = !parts.Digest.IsEmpty && digest is null,
        };
    }

    private static ReadOnlySpan<char> NormaliseHost(ReadOnlySpan<char> host)
    {
        if (host.IsEmpty)
        {
            return DockerHub;
        }

        if (host is not LegacyDockerHub && !host.ContainsAnyInRange('A', 'Z'))
        {
            return host;
        }

        var written = host.ToString();
        var lower = written.ToLowerInvariant();
        if (lower == LegacyDockerHub)
        {
            return DockerHub;
        }

        // `Acme/api` names a host only by its capital. Lower-cased it would read as a repository on Docker Hub and hit
        // patterns meant for one, so it stays as written.
        return ReferenceGrammar.NamesHost(lower) ? lower : written;
    }
}
