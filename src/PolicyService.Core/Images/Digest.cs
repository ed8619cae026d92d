using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace PolicyService.Core.Images;

/// <summary>A SHA-256 content digest. The default value is not a digest and equals no real one.</summary>
public readonly record struct Digest
{
    private const string Prefix = "sha256:";
    private const int HexLength = 2 * SHA256.HashSizeInBytes;
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    // Numbers and not text: digests are the keys of every look-up of a decision.
    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly ulong _fourth;
    private readonly bool _isDigest;

    private Digest(ReadOnlySpan<byte> bytes)
    {
        _first = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _second = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _third = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _fourth = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
        _isDigest = true;
    }

    public string Hex => string.Create(HexLength, this, static (text, digest) => digest.WriteHex(text));

    public static Digest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, bytes);
        return new Digest(bytes);
    }

    /// <summary>Reads <c>sha256:</c> and 64 lower-case hex digits; a digest has no other spelling.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest) => TryParse(text.AsSpan(), out digest);

    /// <inheritdoc cref="TryParse(string?, out Digest)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out Digest digest)
    {
        digest = default;
        if (text.Length != Prefix.Length + HexLength || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length..].ContainsAnyExcept(LowerHex))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        Convert.FromHexString(text[Prefix.Length..], bytes, out _, out _);
        digest = new Digest(bytes);
        return true;
    }

    /// <summary>Seeded by the runtime, since callers choose digests: nobody can choose many that meet in one bucket of a dictionary.</summary>
    public override int GetHashCode() => HashCode.Combine(_first, _second, _third, _fourth);

    public override string ToString() => string.Create(Prefix.Length + HexLength, this, static (text, digest) =>
    {
        Prefix.CopyTo(text);
        digest.WriteHex(text[Prefix.Length..]);
    });

    private void WriteHex(Span<char> text)
    {
        if (!_isDigest)
        {
            throw new InvalidOperationException("default(Digest) is not a digest");
        }

        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _first);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _second);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _third);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], _fourth);
        Convert.TryToHexStringLower(bytes, text, out _);
    }
}
