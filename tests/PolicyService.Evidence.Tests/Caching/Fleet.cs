using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

/// <summary>Fleet keys, each number its own.</summary>
internal static class Fleet
{
    public static FleetKey Key(int number = 1) => new(Encoding.ASCII.GetBytes($"{number:D8}0123456789abcdef0123456789abcdef"));
}

/// <summary>Writes a right MAC over bytes that nobody would seal; the encoding is spelled out again, so that a change of it shows.</summary>
internal static class Resealed
{
    public static void Over(byte[] key, CacheKey name, string source, byte[] bytes)
    {
        var signed = bytes.AsSpan(0, bytes.Length - 32).ToArray();
        byte[] input = [.. Framed(Encoding.ASCII.GetBytes(name.ToString())), .. Framed(Encoding.UTF8.GetBytes(source)), .. Framed(signed)];
        HMACSHA256.HashData(key, input).CopyTo(bytes, bytes.Length - 32);
    }

    private static byte[] Framed(byte[] part)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        return [.. length, .. part];
    }
}
