namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// Judges a key block by the signatures the primary key made in it: which of its keys may sign, from when, until when. A revocation
/// counts for ever.
/// <para>
/// Of the statements about one thing the newest governs (RFC 9580, section 5.2.3.10), and it grants only if it qualifies: SHA-256 or
/// better, understood, with its issuer named, not withdrawn. One that does not qualify grants nothing, but is the key's own all the same,
/// so what it forbids counts as long as no newer statement qualifies. Were it passed over, an older and wider statement would come
/// back. It does not make the key unusable by itself, because old tools still renew keys with SHA-1. Where it cannot be verified for want
/// of its digest it is taken at its word, and where it cannot be understood it forbids everything.
/// </para>
/// <para>
/// Direct-key signatures speak of the whole key, certifications of a user id by custom too (sections 5.2.3.10 and 10.1.1): the newest
/// of each restrict together, and what one of them leaves open the other may grant.
/// </para>
/// </summary>
internal sealed class PgpSelfSignatures
{
    private readonly PgpKeyMaterial _primary;
    private readonly IReadOnlyList<PgpComponent> _components;
    private readonly PgpRevocations _revocations;
    private readonly PgpVerificationCount _count = new();

    public PgpSelfSignatures(PgpKeyMaterial primary, IEnumerable<PgpKeyPart> parts)
    {
        (_primary, _components) = (primary, PgpComponent.Of(parts));
        _revocations = new PgpRevocations(primary, _components, _count);
    }

    /// <summary>How many verifications with a public key it took.</summary>
    public int Verifications => _count.Value;

    /// <summary>The primary key and its readable subkeys. The problem says why none may sign; it is empty if one may.</summary>
    public IReadOnlyList<PgpSigner> Signers(out string problem)
    {
        var signers = Judge(out problem);
        if (!_count.IsBeyondLimit)
        {
            return signers;
        }

        problem = $"judging the block takes more than {Limits.PgpKeyVerifications} verifications of signatures in it; {PgpKeyBlock.Export}";
        return [new PgpSigner(_primary, default, problem)];
    }

    private ReadOnlyMemory<byte> PrimaryData => _components[0].Data;

    private List<PgpSigner> Judge(out string problem)
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

        foreach (var component in _components.Where(component => component.Packet.Tag is PgpTag.PublicSubkey))
        {
            if (PgpKeyMaterial.Read(component.Packet, out _) is { } subkey) // most are for encryption, and signatures of others verify nowhere
            {
                signers.Add(Subkey(component, subkey, first.Period));
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
        if (_revocations.OfKey)
        {
            return new PgpSigner(_primary, default, "the key is revoked; make a new one");
        }

        var users = Newest(_components.Where(component => component.Packet.Tag is PgpTag.UserId or PgpTag.UserAttribute).SelectMany(UserStatements), _primary);
        var direct = Newest(DirectStatements(), _primary);
        if (users.Governing is null && direct.Governing is null)
        {
            return new PgpSigner(_primary, default, "the key has no valid signature of its own with SHA-256 or better; "
                + "make one with `gpg --cert-digest-algo SHA256 --quick-set-expire <fingerprint> <time>` and export it again");
        }

        (users, direct) = (users.Since(direct.Governing), direct.Since(users.Governing));
        return (users.Flaw ?? direct.Flaw) is { } flaw ? new PgpSigner(_primary, default, NotUnderstood("the key", flaw))
            : new PgpSigner(
                _primary,
                users.PeriodOf(_primary).Within(direct.PeriodOf(_primary)),
                (users.MaySign ?? direct.MaySign) is true && direct.MaySign is not false ? null : "the primary key is not marked for signing");
    }

    private IEnumerable<PgpStatement> UserStatements(PgpComponent user)
    {
        ReadOnlyMemory<byte>[] data = [PrimaryData, user.Data];
        var isWithdrawn = _revocations.Includes(user);
        return user.Made(type => type is >= PgpSignatureType.GenericCertification and <= PgpSignatureType.PositiveCertification)
            .Select(signature => new PgpStatement(signature, data, isWithdrawn));
    }

    /// <summary>Those that say anything of the key's use: one that only names who may revoke the key leaves it as it was (RFC 9580, section 5.2.3.23).</summary>
    private IEnumerable<PgpStatement> DirectStatements()
    {
        ReadOnlyMemory<byte>[] data = [PrimaryData];
        var isWithdrawn = _revocations.Includes(_components[0]);
        return _components.SelectMany(component => component.Made(type => type is PgpSignatureType.DirectKey))
            .Where(signature => signature.Subpackets is { HasFlags: true } or { KeyExpiresAfter: not 0 } or { Problem: not null })
            .Select(signature => new PgpStatement(signature, data, isWithdrawn));
    }

    private PgpSigner Subkey(PgpComponent component, PgpKeyMaterial subkey, ValidityPeriod primaryPeriod)
    {
        if (_revocations.Includes(component))
        {
            return new PgpSigner(subkey, default, "a subkey is revoked");
        }

        var bindings = Newest(
            component.Made(type => type is PgpSignatureType.SubkeyBinding).Select(signature => new PgpStatement(signature, [PrimaryData, component.Data], false)), subkey);
        return bindings.Governing is not { } binding ? new PgpSigner(subkey, default, "a subkey is not bound to the primary key by a valid signature")
            : bindings.Flaw is { } flaw ? new PgpSigner(subkey, default, NotUnderstood("a subkey", flaw))
            : bindings.MaySign is not true ? new PgpSigner(subkey, default, "a subkey is not marked for signing")
            : BackSignature(binding, subkey, component.Data) is not { } back
                ? new PgpSigner(subkey, default, "a signing subkey lacks its own signature over the primary key (`cross-certify` in `gpg --edit-key`)")
            : new PgpSigner(subkey, bindings.PeriodOf(subkey).Within(primaryPeriod).Within(new ValidityPeriod(back.Created, back.Until)), null);
    }

    /// <summary>The subkey's consent: without it, anybody could take a stranger's signing key for a subkey of his own.</summary>
    private PgpSignature? BackSignature(PgpSignature binding, PgpKeyMaterial subkey, ReadOnlyMemory<byte> subkeyData)
    {
        foreach (var body in binding.Subpackets.Embedded)
        {
            if (PgpSignature.Read(body) is { Type: PgpSignatureType.PrimaryKeyBinding, HasStrongHash: true, Subpackets.Problem: null } back
                && back.Created >= subkey.Created
                && back.IsIssuedBy(subkey)
                && subkey.Verify(back, _count, PrimaryData, subkeyData))
            {
                return back;
            }
        }

        return null;
    }

    /// <summary>The statements of the primary key that count. What is older than the governing one is not even verified.</summary>
    private PgpStatements Newest(IEnumerable<PgpStatement> statements, PgpKeyMaterial key)
    {
        PgpSignature? governing = null;
        var counted = new List<PgpSignature>();
        foreach (var (signature, data, isWithdrawn) in PgpStatements.NewestFirst(statements.Where(statement => statement.Signature.MayBeIssuedBy(_primary)), key))
        {
            if (governing is not null && PgpStatements.TimeOf(signature) < governing.Created)
            {
                break;
            }

            var canVerify = _primary.CanVerify(signature);
            if (!canVerify || _primary.Verify(signature, _count, data))
            {
                counted.Add(signature);
                governing ??= canVerify && !isWithdrawn && signature.HasStrongHash && signature.Subpackets.Problem is null && signature.IsIssuedBy(_primary) ? signature : null;
            }
        }

        return new PgpStatements(governing, counted);
    }

    private static string NotUnderstood(string what, string flaw) =>
        $"the newest signature about {what} is not understood ({flaw}), so nobody knows what it forbids; make a new one with `gpg --quick-set-expire` and export it again";
}
