using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PolicyService.Evidence.Registries;

/// <summary>Who can be at an address.</summary>
internal enum AddressKind
{
    /// <summary>Nobody who would be a registry: link-local and the metadata of clouds, multicast, unspecified.</summary>
    Reserved = 0,

    /// <summary>This machine or its neighbours: private, loopback, carrier-grade NAT, unique-local, and whatever is not assigned to the public.</summary>
    Private,

    /// <summary>Anybody.</summary>
    Public,
}

/// <summary>Tells addresses apart (the IANA registries of special-purpose addresses, RFC 6890; RFC 4291, RFC 6052, RFC 3056 for those within others).</summary>
internal static class AddressKinds
{
    private static readonly (uint Network, int Bits, AddressKind Kind)[] V4 =
    [
        (0xA9FE0000, 16, AddressKind.Reserved), // 169.254.0.0/16, link-local
        (0xA83F8110, 32, AddressKind.Reserved), // 168.63.129.16, what Azure tells its machines
        (0x646464C8, 32, AddressKind.Reserved), // 100.100.100.200, what Alibaba does
        (0x00000000, 8, AddressKind.Reserved), // this network; 0.0.0.0 reaches this machine
        (0xE0000000, 4, AddressKind.Reserved), // multicast
        (0xF0000000, 4, AddressKind.Reserved), // not assigned, and broadcast
        (0x0A000000, 8, AddressKind.Private),
        (0x64400000, 10, AddressKind.Private), // carrier-grade NAT
        (0x7F000000, 8, AddressKind.Private),
        (0xAC100000, 12, AddressKind.Private),
        (0xC0000000, 24, AddressKind.Private), // protocol assignments; some cloud's metadata
        (0xC0000200, 24, AddressKind.Private), // documentation
        (0xC0586300, 24, AddressKind.Private), // relays of 6to4
        (0xC0A80000, 16, AddressKind.Private),
        (0xC6120000, 15, AddressKind.Private), // benchmarks
        (0xC6336400, 24, AddressKind.Private), // documentation
        (0xCB007100, 24, AddressKind.Private), // documentation
    ];

    public static AddressKind Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily is AddressFamily.InterNetwork)
        {
            return address.TryWriteBytes(bytes, out _) ? OfV4(bytes[..4]) : AddressKind.Reserved;
        }

        return address.AddressFamily is AddressFamily.InterNetworkV6 && address.TryWriteBytes(bytes, out _) ? OfV6(bytes) : AddressKind.Reserved;
    }

    private static AddressKind OfV4(ReadOnlySpan<byte> bytes)
    {
        var address = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        foreach (var (network, bits, kind) in V4)
        {
            if ((address ^ network) >> (32 - bits) == 0)
            {
                return kind;
            }
        }

        return AddressKind.Public;
    }

    private static AddressKind OfV6(ReadOnlySpan<byte> bytes)
    {
        var (first, second) = (BinaryPrimitives.ReadUInt16BigEndian(bytes), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
        if (!bytes[..8].ContainsAnyExcept((byte)0))
        {
            return OfV6Zeros(bytes[8..]);
        }

        return (first, second) switch
        {
            (0x0064, 0xFF9B) => bytes[4..12].ContainsAnyExcept((byte)0) ? AddressKind.Private : OfV4(bytes[12..]), // NAT64
            (0x2002, _) => OfV4(bytes[2..6]), // 6to4
            (0xFD00, 0x0EC2) => AddressKind.Reserved, // what AWS tells its machines
            ( >= 0xFE80 and <= 0xFEBF, _) => AddressKind.Reserved, // link-local
            ( >= 0xFF00, _) => AddressKind.Reserved, // multicast
            (0x2001, <= 0x01FF or 0x0DB8) => AddressKind.Private, // protocol assignments, Teredo among them; documentation
            (0x3FFF, <= 0x0FFF) => AddressKind.Private, // documentation
            ( >= 0x2000 and <= 0x3FFF, _) => AddressKind.Public,
            _ => AddressKind.Private,
        };
    }

    // Eight bytes of zero went before: nobody, this machine, or an IPv4 address behind 0, ffff or ffff:0.
    private static AddressKind OfV6Zeros(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64BigEndian(bytes) switch
    {
        0 => AddressKind.Reserved,
        1 => AddressKind.Private,
        var mapped when mapped >> 32 == 0xFFFF => OfV4(bytes[4..]),
        // Older ways to write one; no host of today has such an address.
        _ => OfV4(bytes[4..]) is AddressKind.Reserved ? AddressKind.Reserved : AddressKind.Private,
    };
}
