using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PolicyService.Server.Decisions;

/// <summary>
/// The ids of decisions: UUIDs of version 7 (RFC 9562), which sort by time to the millisecond. An id has to be unique and not secret: it
/// grants nothing. So each thread draws random bytes for many ids at once, and what it has drawn may lie in memory for a while.
/// </summary>
public static class DecisionIds
{
    /// <summary>Random bytes of one id; six of its 80 bits make way for version and variant.</summary>
    private const int RandomBytes = 10;
    private const int IdsDrawn = 256;

    [ThreadStatic]
    private static byte[]? _drawn;

    [ThreadStatic]
    private static int _used;

    /// <param name="now">The time of the decision.</param>
    public static string Next(DateTimeOffset now)
    {
        var milliseconds = now.ToUnixTimeMilliseconds();
        ArgumentOutOfRangeException.ThrowIfNegative(milliseconds, nameof(now));
        Span<byte> id = stackalloc byte[16];
        // 48 bits of time; the 16 bits behind them are overwritten.
        BinaryPrimitives.WriteUInt64BigEndian(id, (ulong)milliseconds << 16);
        Random().CopyTo(id[6..]);
        id[6] = (byte)((id[6] & 0x0F) | 0x70);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true).ToString();
    }

    private static ReadOnlySpan<byte> Random()
    {
        if (_drawn is null || _used == _drawn.Length)
        {
            _drawn ??= new byte[RandomBytes * IdsDrawn];
            RandomNumberGenerator.Fill(_drawn);
            _used = 0;
        }

        _used += RandomBytes;
        return _drawn.AsSpan(_used - RandomBytes, RandomBytes);
    }
}
