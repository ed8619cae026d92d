using System.Collections.Frozen;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// The primary key of a PGP key block, or one of its subkeys, with what the block's self-signatures say of it. They were verified
/// when the block was read; whether the period holds is judged at every decision.
/// </summary>
/// <param name="Material">The key.</param>
/// <param name="Period">When it holds, by its self-signatures.</param>
/// <param name="Problem">Why its signatures never count; null if they may.</param>
internal sealed record PgpSigner(PgpKeyMaterial Material, ValidityPeriod Period, string? Problem);

/// <summary>
/// A PGP key of an attestor: one primary key with its subkeys. Whichever of them signs, the signature counts under the
/// fingerprint of the primary.
/// </summary>
public sealed class PgpKey : VerificationKey
{
    internal PgpKey(KeyId id, Digest block, IReadOnlyList<PgpSigner> signers)
        : base(id, block, signers.Where(signer => signer.Problem is null).Select(signer => signer.Material.Digest).ToFrozenSet()) =>
        Signers = signers;

    /// <summary>When the last of its keys that may sign expires, by its self-signatures; null if one never does.</summary>
    public DateTimeOffset? Expires => Usable.Max(signer => signer.Period.Until) is var end && end == DateTimeOffset.MaxValue ? null : end;

    /// <summary>Bits of the smallest RSA key among those that may sign; null if none is RSA.</summary>
    public int? RsaBits => Usable.Min(signer => signer.Material.RsaBits);

    internal IReadOnlyList<PgpSigner> Signers { get; }

    private IEnumerable<PgpSigner> Usable => Signers.Where(signer => signer.Problem is null);
}
