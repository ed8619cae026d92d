namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// What the primary key took back in its block: for ever, with whatever digest. A revocation that cannot be judged counts: one by another
/// key, be it a designated revoker (RFC 9580, section 5.2.3.23) or not, with an old hash other than SHA-1, or of a form that is not
/// read here. One that says it is the key's own, and is not, does not.
/// </summary>
internal sealed class PgpRevocations(PgpKeyMaterial primary, IReadOnlyList<PgpComponent> components, PgpVerificationCount count)
{
    /// <summary>Whether the key itself is revoked.</summary>
    public bool OfKey => components.Any(owner => Of(owner, PgpSignatureType.KeyRevocation).Any(revocation => !IsJudged(revocation.Signature) || IsAtHome(owner, revocation)));

    /// <summary>
    /// Whether the user id or subkey was taken back; of the primary key, whether its direct-key signatures were. It may be said anywhere
    /// in the block; what cannot be judged is taken to be about what it stands beside.
    /// </summary>
    public bool Includes(PgpComponent component)
    {
        var type = component.Packet.Tag is PgpTag.PublicSubkey ? PgpSignatureType.SubkeyRevocation : PgpSignatureType.CertificationRevocation;
        return components.Any(owner => Of(owner, type).Any(revocation =>
            ReferenceEquals(owner, component) ? !IsJudged(revocation.Signature) || IsAtHome(owner, revocation)
            : IsJudged(revocation.Signature) && !IsAtHome(owner, revocation) && IsAbout(component, revocation.Signature!)));
    }

    private static IEnumerable<PgpComponentSignature> Of(PgpComponent owner, PgpSignatureType type) => owner.Signatures.Where(signature => signature.Type == type);

    private bool IsJudged(PgpSignature? signature) => signature is { Subpackets.Problem: null } && primary.CanVerify(signature) && signature.IsIssuedBy(primary);

    /// <summary>Where it belongs it is verified once; only one that belongs nowhere is tried elsewhere.</summary>
    private bool IsAtHome(PgpComponent owner, PgpComponentSignature revocation) => revocation.IsAtHome ??= revocation.Type is PgpSignatureType.KeyRevocation
        ? primary.Verify(revocation.Signature!, count, components[0].Data)
        : primary.Verify(revocation.Signature!, count, DataOf(owner));

    /// <summary>Each such look counts, because every revocation that stands at a wrong place meets everything there is.</summary>
    private bool IsAbout(PgpComponent component, PgpSignature revocation) => count.TryTake() && primary.Verify(revocation, count, DataOf(component));

    private ReadOnlyMemory<byte>[] DataOf(PgpComponent component) =>
        ReferenceEquals(component, components[0]) ? [component.Data] : [components[0].Data, component.Data];
}
