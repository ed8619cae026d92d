using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PolicyService.Evidence.Caching;

/// <summary>
/// Canonical, length-prefixed name of a cached value: two different lists of parts never give one key. Parts are hashed as the UTF-16
/// they are: another encoding would have to say what becomes of a lone surrogate, and two strings could meet there. The default value
/// is not a key.
/// </summary>
public readonly record struct CacheKey
{
    private readonly string? _text;

    private CacheKey(string text) => _text = text;

    /// <param name="kind">What is cached: a constant of lower-case letters and dashes, never input.</param>
    /// <param name="parts">What the value is an answer to, each part by itself.</param>
    public static CacheKey Of(string kind, params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, kind);
        AppendNumber(hash, parts.Length);
        foreach (var part in parts)
        {
            Append(hash, part);
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return new CacheKey($"ps:1:{kind}:{Convert.ToHexStringLower(digest)}");
    }

    /// <summary><c>ps:1:&lt;kind&gt;:&lt;SHA-256 of the encoding in lower-case hex&gt;</c>.</summary>
    public override string ToString() => _text ?? throw new InvalidOperationException("default(CacheKey) is not a cache key");

    private static void Append(IncrementalHash hash, string text)
    {
        AppendNumber(hash, text.Length);
        hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }

    private static void AppendNumber(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
