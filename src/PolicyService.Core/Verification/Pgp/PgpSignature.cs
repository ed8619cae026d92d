using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Bcpg;
using Org.BouncyCastle.Math;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>What a signature is for (RFC 4880, section 5.2.1).</summary>
internal enum PgpSignatureType
{
    BinaryDocument = 0x00,
    TextDocument = 0x01,
    GenericCertification = 0x10,
    PersonaCertification = 0x11,
    CasualCertification = 0x12,
    PositiveCertification = 0x13,
    SubkeyBinding = 0x18,
    PrimaryKeyBinding = 0x19,
    DirectKey = 0x1F,
    KeyRevocation = 0x20,
    SubkeyRevocation = 0x28,
    CertificationRevocation = 0x30,
}

/// <summary>A version 4 signature as it stands in its packet. What it says is believed only once a key has verified it.</summary>
internal sealed class PgpSignature
{
    private PgpSignature(SignaturePacket packet)
    {
        Type = (PgpSignatureType)packet.SignatureType;
        KeyAlgorithm = packet.KeyAlgorithm;
        Hash = packet.HashAlgorithm switch
        {
            HashAlgorithmTag.Sha256 => HashAlgorithmName.SHA256,
            HashAlgorithmTag.Sha384 => HashAlgorithmName.SHA384,
            HashAlgorithmTag.Sha512 => HashAlgorithmName.SHA512,
            HashAlgorithmTag.Sha1 => HashAlgorithmName.SHA1,
            _ => null,
        };
        HashStart = packet.GetFingerprint();
        Trailer = packet.GetSignatureTrailer();
        Numbers = [.. (packet.GetSignature() ?? []).Select(number => number.Value)];
        Subpackets = new PgpSubpackets(packet);
    }

    public PgpSignatureType Type { get; }

    public PublicKeyAlgorithmTag KeyAlgorithm { get; }

    /// <summary>Null if it is none that is computed here.</summary>
    public HashAlgorithmName? Hash { get; }

    /// <summary>SHA-256 or better: the hashes under which anybody's signature counts.</summary>
    public bool HasStrongHash => Hash is { } hash && hash != HashAlgorithmName.SHA1;

    /// <summary>The first two bytes of the hash, which the packet repeats.</summary>
    public ReadOnlyMemory<byte> HashStart { get; }

    /// <summary>What is hashed after the data: the signed part of the packet.</summary>
    public ReadOnlyMemory<byte> Trailer { get; }

    public IReadOnlyList<BigInteger> Numbers { get; }

    public PgpSubpackets Subpackets { get; }

    /// <summary>When it was made, by its own account.</summary>
    public DateTimeOffset Created => Subpackets.Created;

    /// <summary>When it expires; the end of time if it does not.</summary>
    public DateTimeOffset Until => PgpTime.After(Created, Subpackets.ExpiresAfter);

    /// <summary>The signature in a packet; null if it is malformed, not version 4, or of an algorithm nobody here knows.</summary>
    public static PgpSignature? Read(ReadOnlyMemory<byte> body) =>
        body.Length > 0 && body.Span[0] == 4 && PgpPacketReader.Read<SignaturePacket>(PgpTag.Signature, body) is { } packet
            ? new PgpSignature(packet)
            : null;

    /// <summary>
    /// Whether the key may have made it: it names that key, or nobody that could be told. The names outside the signed part are not to be
    /// trusted, but who can change them can as well take the signature out of the block.
    /// </summary>
    public bool MayBeIssuedBy(PgpKeyMaterial key) => Subpackets.Issuers.Count == 0 || Subpackets.Issuers.Any(issuer => issuer.IsEmpty || Names(issuer, key));

    /// <summary>Whether it names the key as its issuer, in every place where it names one, and in one at least.</summary>
    public bool IsIssuedBy(PgpKeyMaterial key) => Subpackets.Issuers.Count > 0 && Subpackets.Issuers.All(issuer => Names(issuer, key));

    private static bool Names(ReadOnlyMemory<byte> issuer, PgpKeyMaterial key) =>
        issuer.Span.SequenceEqual(issuer.Length == sizeof(ulong) ? key.Fingerprint.Span[^sizeof(ulong)..] : key.Fingerprint.Span);
}

/// <summary>Times as PGP has them: whole seconds since 1970 in 32 bits.</summary>
internal static class PgpTime
{
    public static DateTimeOffset Read(ReadOnlySpan<byte> seconds) => DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(seconds));

    /// <summary>Zero seconds after it means never.</summary>
    public static DateTimeOffset After(DateTimeOffset start, uint seconds) => seconds == 0 ? DateTimeOffset.MaxValue : start.AddSeconds(seconds);
}
