using System.Buffers.Binary;
using System.Security.Cryptography;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>An RSA key that signs any PGP packet it is asked to, also those no tool would write.</summary>
internal sealed class PgpForge(RSA key, byte algorithm = 1)
{
    public static readonly uint KeyTime = Seconds("2026-01-01");
    public static readonly uint SigningTime = Seconds("2026-02-01");

    public static readonly PgpPacket User = Packet(PgpTag.UserId, [.. "forger"u8]);

    public byte[] Body { get; } = [4, .. Bytes(KeyTime), algorithm, .. Number(key.ExportParameters(false).Modulus!), .. Number(key.ExportParameters(false).Exponent!)];

    public byte[] Fingerprint => PgpKeyMaterial.FingerprintOf(Body);

    public byte[] Issuer => Sub(33, [4, .. Fingerprint]);

    /// <summary>What is hashed of the key: itself with its length.</summary>
    public byte[] Data => [0x99, (byte)(Body.Length >> 8), (byte)Body.Length, .. Body];

    public static byte[] UserData => [0xB4, 0, 0, 0, (byte)User.Body.Length, .. User.Body.Span];

    public static byte[] Sub(int type, params byte[] data) => [(byte)(1 + data.Length), (byte)type, .. data];

    public static byte[] Made(uint at) => Sub(2, Bytes(at));

    public static byte[] Bytes(uint number)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    public static uint Seconds(string day) => (uint)new DateTimeOffset(DateOnly.ParseExact(day, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), default, default).ToUnixTimeSeconds();

    public PgpPacket Sign(PgpSignatureType type, byte[] data, byte[] hashed, byte[]? unhashed = null, byte hash = 8)
    {
        var name = hash switch { 8 => HashAlgorithmName.SHA256, 9 => HashAlgorithmName.SHA384, 10 => HashAlgorithmName.SHA512, 2 => HashAlgorithmName.SHA1, _ => HashAlgorithmName.MD5 };
        byte[] signed = [4, (byte)type, algorithm, hash, (byte)(hashed.Length >> 8), (byte)hashed.Length, .. hashed];
        using var hasher = IncrementalHash.CreateHash(name);
        hasher.AppendData(data);
        hasher.AppendData(signed);
        hasher.AppendData([4, 0xFF, .. Bytes((uint)signed.Length)]);
        var value = hasher.GetHashAndReset();
        unhashed ??= [];
        return Packet(PgpTag.Signature, [.. signed, (byte)(unhashed.Length >> 8), (byte)unhashed.Length, .. unhashed, value[0], value[1], .. Number(key.SignHash(value, name, RSASignaturePadding.Pkcs1))]);
    }

    /// <summary>A signature over the payload.</summary>
    public byte[] Message(byte[] hashed, byte hash = 8) => PgpJudge.Bytes(Sign(PgpSignatureType.BinaryDocument, Payload, hashed, hash: hash));

    public byte[] Message() => Message([.. Made(SigningTime), .. Issuer]);

    /// <summary>What the key says of itself.</summary>
    public PgpPacket Certify(byte[] hashed, byte hash = 8) => Sign(PgpSignatureType.PositiveCertification, [.. Data, .. UserData], [.. hashed, .. Issuer], hash: hash);

    public PgpPacket Certify() => Certify([.. Made(KeyTime), .. Sub(27, 3)]);

    /// <summary>What the key says of itself without a user.</summary>
    public PgpPacket Direct(byte[] hashed, byte hash = 8) => Sign(PgpSignatureType.DirectKey, Data, [.. hashed, .. Issuer], hash: hash);

    /// <summary>What the key says of a subkey, with the subkey's consent.</summary>
    public PgpPacket Bind(PgpForge subkey, byte[] hashed, byte hash = 8)
    {
        byte[] data = [.. Data, .. subkey.Data];
        var back = subkey.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. subkey.Issuer]).Body;
        var length = 1 + back.Length - 192;
        return Sign(PgpSignatureType.SubkeyBinding, data, [.. hashed, .. Issuer], [(byte)((length >> 8) + 192), (byte)length, 32, .. back.Span], hash);
    }

    public string KeyBlock(params IEnumerable<PgpPacket> statements) => Block([Packet(PgpTag.PublicKey, Body), User, .. statements]);

    /// <summary>A number with its length in bits.</summary>
    public static byte[] Number(byte[] value)
    {
        var number = value.AsSpan().TrimStart((byte)0);
        var bits = (8 * number.Length) - System.Numerics.BitOperations.LeadingZeroCount(number[0]) + 24;
        return [(byte)(bits >> 8), (byte)bits, .. number];
    }
}
