using System.Buffers.Binary;
using System.Numerics;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// CRC-32C (Castagnoli, RFC 3720 section 12.1), which Cloud KMS sends beside keys and signatures. It finds accidents on the way, not
/// attackers. The base library has the processor's instruction and no CRC-32C of a text.
/// </summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        foreach (var one in data)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return ~crc;
    }
}
