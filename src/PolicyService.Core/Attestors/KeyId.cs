using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace PolicyService.Core.Attestors;

/// <summary>
/// The id of a public key: an RFC 3986 URI reference, or the 40-hex fingerprint of a PGP key (which is one too). Ids match
/// by exact text: two spellings of one URI are two ids, so that nobody gains a key by writing its id in another way.
/// The default value is not a key id and equals no real one.
/// </summary>
public readonly record struct KeyId
{
    /// <summary>Longest id, in bytes; a URI reference is ASCII, so in characters too.</summary>
    public const int MaxLength = 1024;

    private const string SubjectPublicKeyInfoPrefix = "ni:///sha-256;";
    private readonly string? _text;

    private KeyId(string text) => _text = text;

    /// <summary>The id of a PKIX key that was given none: RFC 6920, over the DER SubjectPublicKeyInfo.</summary>
    public static KeyId OfSubjectPublicKeyInfo(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        new(SubjectPublicKeyInfoPrefix + Base64Url.EncodeToString(SHA256.HashData(subjectPublicKeyInfo)));

    /// <summary>The id of a PGP key: its V4 fingerprint in upper-case hex.</summary>
    public static KeyId OfPgpFingerprint(ReadOnlySpan<byte> fingerprint) => new(Convert.ToHexString(fingerprint));

    public static bool TryParse([NotNullWhen(true)] string? text, out KeyId id)
    {
        var valid = text is { Length: > 0 and <= MaxLength } && UriReference.IsValid(text);
        id = valid ? new KeyId(text!) : default;
        return valid;
    }

    public override string ToString() => _text ?? throw new InvalidOperationException("default(KeyId) is not a key id");
}
