using System.Collections.Frozen;
using Microsoft.IdentityModel.Tokens;

namespace PolicyService.Server.Access.Tokens;

/// <summary>A public key an issuer signs with.</summary>
/// <param name="KeyId">Its <c>kid</c>; null: it has none, and tokens of any <c>kid</c> are tried with it.</param>
/// <param name="Fingerprint">SHA-256 of its SubjectPublicKeyInfo in hex.</param>
/// <param name="Algorithms">The <c>alg</c> it may be used with. The key decides: a token has no say in how it is verified.</param>
/// <param name="Key">The key.</param>
internal sealed record SigningKey(string? KeyId, string Fingerprint, FrozenSet<string> Algorithms, SecurityKey Key);

/// <summary>All keys of an issuer at one time.</summary>
internal sealed record KeySet(IReadOnlyList<SigningKey> Keys)
{
    /// <summary>Keys that may have signed a token of this header.</summary>
    public IEnumerable<SigningKey> Candidates(string? keyId, string algorithm) =>
        Keys.Where(key => key.Algorithms.Contains(algorithm) && (keyId is null || key.KeyId is null || key.KeyId == keyId));

    /// <summary>The key is still among them, under the same name and for the same use.</summary>
    public bool Has(SigningKey key, string algorithm) =>
        Keys.Any(other => other.Fingerprint == key.Fingerprint && other.KeyId == key.KeyId && other.Algorithms.Contains(algorithm));

    public bool IsSame(KeySet other) =>
        Keys.Count == other.Keys.Count && Keys.Zip(other.Keys).All(pair =>
            (pair.First.Fingerprint, pair.First.KeyId) == (pair.Second.Fingerprint, pair.Second.KeyId) && pair.First.Algorithms.SetEquals(pair.Second.Algorithms));
}

/// <summary>A file or an answer that should be keys is none.</summary>
internal sealed class KeySetException(string message) : Exception(message);
