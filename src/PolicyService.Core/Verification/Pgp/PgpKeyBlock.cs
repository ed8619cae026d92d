using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>What reading a key block gave. The id is known even of many keys that are unusable.</summary>
/// <param name="Id">Upper-case fingerprint of the primary key; the default where it cannot be read.</param>
/// <param name="Key">The key; null if it is unusable.</param>
/// <param name="Problem">Why it is unusable and what to do, without a word of the text.</param>
public sealed record PgpKeyReading(KeyId Id, PgpKey? Key, string? Problem);

/// <summary>
/// Reads <c>asciiArmoredPgpPublicKey</c>: one transferable public key (RFC 4880, section 11.1). Here only the text is taken apart;
/// what its self-signatures say is judged by <see cref="PgpSelfSignatures"/>.
/// </summary>
public static class PgpKeyBlock
{
    internal const string Export = "export one key with `gpg --armor --export-options export-minimal --export <fingerprint>`";

    public static PgpKeyReading Read(string text)
    {
        if (text.Contains("PRIVATE KEY BLOCK", StringComparison.Ordinal))
        {
            return Unusable("the text holds a private key; remove it, replace that key if anyone else could read it, and give its public half (`gpg --armor --export`)");
        }

        if (text.Length > Limits.PgpKeyCharacters)
        {
            return Unusable($"the key block has more than {Limits.PgpKeyCharacters} characters; {Export}");
        }

        var utf8 = Encoding.UTF8.GetBytes(text);
        return PgpArmor.KindOf(utf8) is not PgpArmorKind.PublicKey || PgpArmor.Decode(utf8) is not { } bytes || !PgpPacket.TrySplit(bytes, out var packets)
            ? Unusable($"the text is not exactly one intact block `PGP PUBLIC KEY BLOCK`; {Export}")
            : Read(packets, Digest.Of(bytes));
    }

    private static PgpKeyReading Read(List<PgpPacket> packets, Digest block)
    {
        var keys = packets.Count(packet => packet.Tag is PgpTag.PublicKey);
        var problem = packets.Exists(packet => packet.Tag is PgpTag.SecretKey or PgpTag.SecretSubkey)
                ? "the block holds a private key; remove it, replace that key if anyone else could read it, and give its public half (`gpg --armor --export`)"
            : packets.Count > Limits.PgpKeyPackets ? $"the block holds more than {Limits.PgpKeyPackets} packets; {Export}"
            : keys > 1 ? "the block holds more than one key; give each by itself, with an entry of its own"
            : keys == 0 || packets[0].Tag is not PgpTag.PublicKey ? $"the block does not start with a public key; {Export}"
            : packets.Exists(packet => packet.Tag is not (PgpTag.PublicKey or PgpTag.PublicSubkey or PgpTag.UserId or PgpTag.UserAttribute or PgpTag.Signature))
                ? $"the block holds something that is no part of a key; {Export}"
            : null;
        if (problem is not null)
        {
            return Unusable(problem);
        }

        if (PgpKeyMaterial.Read(packets[0], out problem) is not { } primary)
        {
            return new PgpKeyReading(IdOf(packets[0]), null, problem);
        }

        var id = IdOf(packets[0]);
        var signers = new PgpSelfSignatures(primary, Parts(packets)).Signers(out problem);
        return signers.Any(signer => signer.Problem is null)
            ? new PgpKeyReading(id, new PgpKey(id, block, signers), null)
            : new PgpKeyReading(id, null, problem);
    }

    /// <summary>Each key and user id with the signatures that follow it.</summary>
    internal static List<PgpKeyPart> Parts(List<PgpPacket> packets)
    {
        var parts = new List<PgpKeyPart>();
        foreach (var packet in packets)
        {
            if (packet.Tag is PgpTag.Signature)
            {
                parts[^1].Signatures.Add(packet.Body);
            }
            else
            {
                parts.Add(new PgpKeyPart(packet, []));
            }
        }

        return parts;
    }

    private static KeyId IdOf(PgpPacket packet) =>
        packet.Body.Length is > 0 and <= ushort.MaxValue && packet.Body.Span[0] == 4 ? KeyId.OfPgpFingerprint(PgpKeyMaterial.FingerprintOf(packet.Body.Span)) : default;

    private static PgpKeyReading Unusable(string problem) => new(default, null, problem);
}

/// <summary>A key or a user id, and the signature packets about it.</summary>
internal sealed record PgpKeyPart(PgpPacket Packet, List<ReadOnlyMemory<byte>> Signatures);
