using System.Buffers.Binary;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// Judges a key block by the signatures the primary key made in it: which of its keys may sign, from when, until when. The newest
/// statement about a key counts; a revocation counts for ever.
/// </summary>
internal sealed class PgpSelfSignatures(PgpKeyMaterial primary, IReadOnlyList<PgpKeyPart> parts)
{
    private readonly ReadOnlyMemory<byte> _primaryData = KeyData(primary.Body);

    /// <summary>The primary key and its readable subkeys. The problem says why none may sign; it is empty if one may.</summary>
    public IReadOnlyList<PgpSigner> Signers(out string problem)
    {
        problem = "";
        var first = Primary();
        var signers = new List<PgpSigner> { first };
        if (first.Period == default)
        {
            // Without a valid statement about itself, or revoked, it vouches for no subkey either.
            problem = first.Problem!;
            return signers;
        }

        foreach (var part in parts.Where(part => part.Packet.Tag is PgpTag.PublicSubkey))
        {
            if (PgpKeyMaterial.Read(part.Packet, out _) is { } subkey) // most are for encryption, and signatures of others verify nowhere
            {
                signers.Add(Subkey(part, subkey, first.Period));
            }
        }

        if (signers.TrueForAll(signer => signer.Problem is not null))
        {
            problem = signers.Count == 1 ? first.Problem! : $"none of its keys may sign: {string.Join("; ", signers.Select(signer => signer.Problem).Distinct())}";
        }

        return signers;
    }

    private PgpSigner Primary()
    {
        if (IsRevoked(parts[0], PgpSignatureType.KeyRevocation, _primaryData))
        {
            return new PgpSigner(primary, default, "the key is revoked; make a new one");
        }

        List<PgpSignature> statements = [.. Made(parts[0], _primaryData).Where(signature => signature.Type is PgpSignatureType.DirectKey)];
        foreach (var part in parts.Where(part => part.Packet.Tag is PgpTag.UserId or PgpTag.UserAttribute))
        {
            var data = UserData(part.Packet);
            if (!IsRevoked(part, PgpSignatureType.CertificationRevocation, _primaryData, data))
            {
                statements.AddRange(Made(part, _primaryData, data).Where(IsCertification));
            }
        }

        return Newest(statements, primary) is { } newest
            ? new PgpSigner(primary, PeriodOf(newest, primary), newest.Subpackets.MaySign ? null : "the primary key is not marked for signing")
            : new PgpSigner(primary, default, "the key has no valid signature of its own with SHA-256 or better; "
                + "make one with `gpg --cert-digest-algo SHA256 --quick-set-expire <fingerprint> <time>` and export it again");
    }

    private static bool IsCertification(PgpSignature signature) =>
        signature.Type is >= PgpSignatureType.GenericCertification and <= PgpSignatureType.PositiveCertification;

    private PgpSigner Subkey(PgpKeyPart part, PgpKeyMaterial subkey, ValidityPeriod primaryPeriod)
    {
        var data = KeyData(part.Packet.Body);
        if (IsRevoked(part, PgpSignatureType.SubkeyRevocation, _primaryData, data))
        {
            return new PgpSigner(subkey, default, "a subkey is revoked");
        }

        var bindings = Made(part, _primaryData, data).Where(signature => signature.Type is PgpSignatureType.SubkeyBinding);
        return Newest(bindings, subkey) is not { } binding ? new PgpSigner(subkey, default, "a subkey is not bound to the primary key by a valid signature")
            : !binding.Subpackets.MaySign ? new PgpSigner(subkey, default, "a subkey is not marked for signing")
            : BackSignature(binding, subkey, data) is not { } back
                ? new PgpSigner(subkey, default, "a signing subkey lacks its own signature over the primary key (`cross-certify` in `gpg --edit-key`)")
            : new PgpSigner(subkey, PeriodOf(binding, subkey).Within(primaryPeriod).Within(new ValidityPeriod(back.Created, back.Until)), null);
    }

    /// <summary>The subkey's consent: without it, anybody could take a stranger's signing key for a subkey of his own.</summary>
    private PgpSignature? BackSignature(PgpSignature binding, PgpKeyMaterial subkey, ReadOnlyMemory<byte> subkeyData)
    {
        foreach (var body in binding.Subpackets.Embedded)
        {
            if (PgpSignature.Read(body) is { Type: PgpSignatureType.PrimaryKeyBinding, HasStrongHash: true, Subpackets.Problem: null } back
                && back.Created >= subkey.Created
                && back.IsIssuedBy(subkey)
                && subkey.Verify(back, _primaryData, subkeyData))
            {
                return back;
            }
        }

        return null;
    }

    /// <summary>The good signatures of the primary key over the data.</summary>
    private IEnumerable<PgpSignature> Made(PgpKeyPart part, params ReadOnlyMemory<byte>[] data) =>
        part.Signatures.Select(PgpSignature.Read).OfType<PgpSignature>()
            .Where(signature => signature.HasStrongHash && signature.Subpackets.Problem is null && signature.IsIssuedBy(primary) && primary.Verify(signature, data));

    /// <summary>
    /// Whether the primary key took it back. A revocation that cannot be judged counts: one by another key, with an old hash other than
    /// SHA-1, or of a form that is not read here. One that says it is the key's own, and is not, does not.
    /// </summary>
    private bool IsRevoked(PgpKeyPart part, PgpSignatureType type, params ReadOnlyMemory<byte>[] data)
    {
        // It may stand anywhere in the block; one that cannot be judged is taken to be about what it stands beside.
        foreach (var (owner, body) in parts.SelectMany(owner => owner.Signatures.Where(body => TypeOf(body.Span) == type).Select(body => (owner, body))))
        {
            var signature = PgpSignature.Read(body);
            var isJudged = signature is { Hash: not null, Subpackets.Problem: null } && signature.IsIssuedBy(primary);
            if (isJudged ? primary.Verify(signature!, data) : owner == part || type is PgpSignatureType.KeyRevocation)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The type as versions 3 to 6 have it, so that a revocation of an unreadable version is not passed over.</summary>
    private static PgpSignatureType? TypeOf(ReadOnlySpan<byte> body) => body switch
    {
        [3, _, var type, ..] => (PgpSignatureType)type,
        [_, var type, ..] => (PgpSignatureType)type,
        _ => null,
    };

    /// <summary>The newest statement; of several made in one second, the one that says least.</summary>
    private static PgpSignature? Newest(IEnumerable<PgpSignature> statements, PgpKeyMaterial key) => statements
        .Where(statement => statement.Created >= key.Created)
        .OrderByDescending(statement => statement.Created)
        .ThenBy(statement => statement.Subpackets.MaySign)
        .ThenBy(statement => PeriodOf(statement, key).Until)
        .FirstOrDefault();

    private static ValidityPeriod PeriodOf(PgpSignature statement, PgpKeyMaterial key) =>
        new ValidityPeriod(statement.Created, statement.Until).Within(new ValidityPeriod(key.Created, PgpTime.After(key.Created, statement.Subpackets.KeyExpiresAfter)));

    private static ReadOnlyMemory<byte> KeyData(ReadOnlyMemory<byte> body) =>
        (byte[])[0x99, (byte)(body.Length >> 8), (byte)body.Length, .. body.Span];

    private static ReadOnlyMemory<byte> UserData(PgpPacket packet)
    {
        var data = new byte[5 + packet.Body.Length];
        data[0] = (byte)(packet.Tag is PgpTag.UserId ? 0xB4 : 0xD1);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(1), packet.Body.Length);
        packet.Body.CopyTo(data.AsMemory(5));
        return data;
    }
}
