using System.Buffers.Binary;
using PolicyService.Core.Images;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>A signature packet of a key block; what cannot be read of it is null.</summary>
internal sealed record PgpComponentSignature(PgpSignatureType? Type, PgpSignature? Signature)
{
    /// <summary>Whether it is the primary key's about what it stands beside; null until somebody looked.</summary>
    public bool? IsAtHome { get; set; }
}

/// <summary>A key or a user id of a block, and the signatures that follow it wherever it stands.</summary>
internal sealed class PgpComponent(PgpPacket packet, IReadOnlyList<PgpComponentSignature> signatures)
{
    public PgpPacket Packet => packet;

    public IReadOnlyList<PgpComponentSignature> Signatures => signatures;

    /// <summary>What is hashed of it: after the primary key, if it is not that itself.</summary>
    public ReadOnlyMemory<byte> Data { get; } = packet.Tag is PgpTag.PublicKey or PgpTag.PublicSubkey
        ? (byte[])[0x99, (byte)(packet.Body.Length >> 8), (byte)packet.Body.Length, .. packet.Body.Span]
        : UserData(packet);

    /// <summary>What stands in the block twice is judged once, by the signatures of all its copies.</summary>
    public static IReadOnlyList<PgpComponent> Of(IEnumerable<PgpKeyPart> parts) =>
        [.. parts.GroupBy(part => (part.Packet.Tag, Digest.Of(part.Packet.Body.Span))).Select(copies =>
            new PgpComponent(copies.First().Packet, [.. copies.SelectMany(part => part.Signatures).Select(Read)]))];

    public IEnumerable<PgpSignature> Made(Predicate<PgpSignatureType> isType) =>
        signatures.Select(read => read.Signature).OfType<PgpSignature>().Where(signature => isType(signature.Type));

    private static PgpComponentSignature Read(ReadOnlyMemory<byte> body) => new(TypeOf(body.Span), PgpSignature.Read(body));

    /// <summary>The type as versions 3 to 6 have it, so that a revocation of an unreadable version is not passed over.</summary>
    private static PgpSignatureType? TypeOf(ReadOnlySpan<byte> body) => body switch
    {
        [3, _, var type, ..] => (PgpSignatureType)type,
        [_, var type, ..] => (PgpSignatureType)type,
        _ => null,
    };

    private static byte[] UserData(PgpPacket packet)
    {
        var data = new byte[5 + packet.Body.Length];
        data[0] = (byte)(packet.Tag is PgpTag.UserId ? 0xB4 : 0xD1);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(1), packet.Body.Length);
        packet.Body.CopyTo(data.AsMemory(5));
        return data;
    }
}
