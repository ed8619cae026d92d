using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace PolicyService.Evidence.Caching;

/// <summary>What a replica vouches for when it stores a value.</summary>
/// <param name="Generation">Of its source, known before the fetch began; 0 where the source has none.</param>
/// <param name="FetchedAt">When the fetch began; whole milliseconds.</param>
/// <param name="Lifetime">How long it may be used from then on; whole milliseconds.</param>
/// <param name="Content">What was fetched.</param>
internal readonly record struct SealedValue(long Generation, DateTimeOffset FetchedAt, TimeSpan Lifetime, ReadOnlyMemory<byte> Content)
{
    /// <summary>Still of use at this time: neither too old nor from a future that no clock of the fleet can have seen.</summary>
    public bool IsCurrentAt(DateTimeOffset now) => FetchedAt <= now + Seal.Skew && now - FetchedAt < Lifetime;
}

/// <summary>
/// Seals values for a store that may lie (ARCHITECTURE section 3): version, generation, fetch time, lifetime, content, and an
/// HMAC-SHA256 over these, the key they stand under and their source. A value moved to another key, given to another source, mixed from
/// two, cut or lengthened does not open. What opens may still be old: that is what generation, fetch time and lifetime are for.
/// </summary>
internal sealed class Seal(byte[] key)
{
    /// <summary>Bytes added to the content.</summary>
    public const int Overhead = HeaderLength + HMACSHA256.HashSizeInBytes;

    private const byte Version = 1;
    private const int HeaderLength = 1 + (3 * sizeof(long));

    /// <summary>How far the clocks of a fleet may be apart.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(5);

    public byte[] Close(CacheKey name, string source, SealedValue value)
    {
        var bytes = new byte[Overhead + value.Content.Length];
        bytes[0] = Version;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(1), value.Generation);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(9), value.FetchedAt.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(17), (long)value.Lifetime.TotalMilliseconds);
        value.Content.Span.CopyTo(bytes.AsSpan(HeaderLength));
        Mac(name, source, bytes.AsSpan(0, bytes.Length - HMACSHA256.HashSizeInBytes), bytes.AsSpan(bytes.Length - HMACSHA256.HashSizeInBytes));
        return bytes;
    }

    public bool TryOpen(CacheKey name, string source, ReadOnlyMemory<byte> bytes, out SealedValue value)
    {
        value = default;
        if (bytes.Length < Overhead)
        {
            return false;
        }

        var signed = bytes[..^HMACSHA256.HashSizeInBytes];
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Mac(name, source, signed.Span, mac);
        // First of all, and in constant time: nothing unauthenticated is read.
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes.Span[^HMACSHA256.HashSizeInBytes..]) || signed.Span[0] != Version)
        {
            return false;
        }

        return TryRead(signed, out value);
    }

    private static bool TryRead(ReadOnlyMemory<byte> signed, [NotNullWhen(true)] out SealedValue value)
    {
        var (fetched, lifetime) = (BinaryPrimitives.ReadInt64BigEndian(signed.Span[9..]), BinaryPrimitives.ReadInt64BigEndian(signed.Span[17..]));
        var generation = BinaryPrimitives.ReadInt64BigEndian(signed.Span[1..]);
        // A replica of another version may have other ideas of a time.
        var isTime = fetched >= 0 && fetched <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() && lifetime >= 0 && lifetime <= TimeSpan.MaxValue.TotalMilliseconds;
        value = isTime
            ? new SealedValue(generation, DateTimeOffset.FromUnixTimeMilliseconds(fetched), TimeSpan.FromMilliseconds(lifetime), signed[HeaderLength..])
            : default;
        return isTime;
    }

    private void Mac(CacheKey name, string source, ReadOnlySpan<byte> value, Span<byte> mac)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        Append(hash, Encoding.ASCII.GetBytes(name.ToString()));
        Append(hash, Encoding.UTF8.GetBytes(source));
        Append(hash, value);
        hash.GetHashAndReset(mac);
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }
}
