using System.Buffers.Binary;
using Org.BouncyCastle.Bcpg;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// What a signature says about itself (RFC 4880, section 5.2.3.1). Only the hashed part is signed; of the other part nothing
/// counts but hints who issued it, and the back signature of a subkey, which verifies by itself.
/// </summary>
internal sealed class PgpSubpackets
{
    private const int FingerprintLength = 20;
    private const int LaterFingerprintLength = 32; // of keys of versions 5 and 6, which are never ours

    // What may be marked critical: the ones read below, the ones about encryption and display, which say nothing of a signature, and
    // who may revoke what (7 and 12): a revocation by another key counts anyhow.
    private static readonly HashSet<int> Understood = [2, 3, 7, 9, 11, 12, 16, 21, 22, 23, 25, 27, 29, 30, 32, 33];

    private readonly List<ReadOnlyMemory<byte>> _issuers = [];
    private readonly List<ReadOnlyMemory<byte>> _embedded = [];
    private readonly HashSet<int> _seen = [];
    private int _dates;

    public PgpSubpackets(SignaturePacket packet)
    {
        foreach (var subpacket in packet.GetHashedSubPackets() ?? [])
        {
            ReadHashed((int)subpacket.SubpacketType, subpacket.IsCritical(), subpacket.GetData());
        }

        foreach (var subpacket in packet.GetUnhashedSubPackets() ?? [])
        {
            var type = (int)subpacket.SubpacketType;
            ReadShared(type, subpacket.GetData());
            HasOnlyIssuersUnhashed &= type is 16 or 33 && !subpacket.IsCritical();
        }

        if (!_seen.Contains(2))
        {
            Problem ??= "it does not say when it was made";
        }
    }

    /// <summary>Why the signature does not count, whoever made it; null if nothing speaks against it.</summary>
    public string? Problem { get; private set; }

    public DateTimeOffset Created { get; private set; }

    /// <summary>Seconds after <see cref="Created"/>; zero is never.</summary>
    public uint ExpiresAfter { get; private set; }

    /// <summary>Seconds after the key was made; zero is never.</summary>
    public uint KeyExpiresAfter { get; private set; }

    /// <summary>Whether it says when it was made, once.</summary>
    public bool IsDated => _dates == 1 && Created != default;

    /// <summary>Whether it says what the key is for.</summary>
    public bool HasFlags => _seen.Contains(27);

    /// <summary>Whether it says that the key may sign documents.</summary>
    public bool MaySign { get; private set; }

    public bool HasOnlyIssuersUnhashed { get; private set; } = true;

    /// <summary>Key ids (8 bytes) and fingerprints (20 bytes) of who is said to have made it; anything else matches no key, and is empty where it names nobody.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Issuers => _issuers;

    /// <summary>Contents of signature packets.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Embedded => _embedded;

    private void ReadHashed(int type, bool isCritical, byte[] data)
    {
        if (isCritical && !Understood.Contains(type))
        {
            Problem ??= $"it has a critical subpacket of type {type}, which is not understood here";
        }

        _dates += type == 2 ? 1 : 0;
        if (type is 2 or 3 or 9 or 27 && !_seen.Add(type))
        {
            Problem ??= $"it has two subpackets of type {type}";
        }

        switch (type)
        {
            case 2 when data.Length == sizeof(uint):
                Created = PgpTime.Read(data);
                break;
            case 3 when data.Length == sizeof(uint):
                ExpiresAfter = BinaryPrimitives.ReadUInt32BigEndian(data);
                break;
            case 9 when data.Length == sizeof(uint):
                KeyExpiresAfter = BinaryPrimitives.ReadUInt32BigEndian(data);
                break;
            case 27 when data.Length > 0:
                MaySign = (data[0] & 2) != 0;
                break;
            case 2 or 3 or 9 or 27:
                Problem ??= $"its subpacket of type {type} is malformed";
                break;
            default:
                ReadShared(type, data);
                break;
        }
    }

    private void ReadShared(int type, byte[] data)
    {
        switch (type)
        {
            case 16:
                _issuers.Add(data.Length == sizeof(ulong) ? data : default);
                break;
            case 33:
                _issuers.Add(data.Length == 1 + FingerprintLength && data[0] == 4 ? data.AsMemory(1)
                    : data.Length == 1 + LaterFingerprintLength && data[0] is 5 or 6 ? data
                    : default);
                break;
            case 32:
                _embedded.Add(data);
                break;
        }
    }
}
