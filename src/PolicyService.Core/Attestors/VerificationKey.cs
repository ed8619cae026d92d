using System.Collections.Frozen;
using PolicyService.Core.Images;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Core.Attestors;

/// <summary>
/// A key that verifies attestations: a <see cref="PublicKey"/> or a <see cref="PgpKey"/>, and nothing else. Made once, when a
/// snapshot is built, and only read afterwards, so any number of threads may verify with it.
/// </summary>
public abstract class VerificationKey
{
    private protected VerificationKey(KeyId defaultId, Digest fingerprint, FrozenSet<Digest> material) =>
        (DefaultId, Fingerprint, Material) = (defaultId, fingerprint, material);

    /// <summary>The id of this key where the document gives none.</summary>
    public KeyId DefaultId { get; }

    /// <summary>SHA-256 of everything a verification with this key depends on, but for its algorithm.</summary>
    public Digest Fingerprint { get; }

    /// <summary>
    /// SHA-256 of the SubjectPublicKeyInfo of every key that may sign here, in whatever form it was given: two attestors share
    /// a key if these overlap.
    /// </summary>
    public FrozenSet<Digest> Material { get; }
}
