using System.Collections.Frozen;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Checks;

/// <summary>
/// Keys of which any may verify an attestation, in a check of a platform policy. Unlike an attestor it has no note: it is itself only.
/// </summary>
public sealed class Authenticator(string displayName, IReadOnlyList<AttestorKey> keys)
{
    private readonly FrozenDictionary<KeyId, AttestorKey> _byId = keys.ToFrozenDictionary(key => key.Id);

    public string DisplayName => displayName;

    public IReadOnlyList<AttestorKey> Keys => keys;

    /// <summary>The key of exactly this id; null if there is none.</summary>
    public AttestorKey? Find(KeyId id) => _byId.GetValueOrDefault(id);
}
