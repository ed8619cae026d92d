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

    internal IReadOnlyList<PgpSigner> Signers { get; }
}
