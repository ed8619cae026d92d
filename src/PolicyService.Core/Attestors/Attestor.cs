using System.Collections.Frozen;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Attestors;

/// <summary>
/// One key of an attestor. Exactly one of three: usable (<see cref="Key"/>), unusable (<see cref="Problem"/>), or kept elsewhere
/// under an id that needs a pin (neither).
/// </summary>
public sealed record AttestorKey(KeyId Id, VerificationKey? Key, string? Problem)
{
    /// <summary>The key is fetched by its id; its SHA-256 must be pinned in the options.</summary>
    public bool IsRemote => Key is null && Problem is null;
}

/// <summary>Who vouches for images: a note that attestations hang on, and the keys that verify them.</summary>
public sealed class Attestor(AttestorName name, NoteName note, IReadOnlyList<AttestorKey> keys)
{
    private readonly FrozenDictionary<KeyId, AttestorKey> _byId = keys.ToFrozenDictionary(key => key.Id);

    public AttestorName Name => name;

    /// <summary>Only attestations under this note count.</summary>
    public NoteName Note => note;

    public IReadOnlyList<AttestorKey> Keys => keys;

    /// <summary>What the usable keys are made of, to find attestors that share one.</summary>
    public FrozenSet<Digest> Material { get; } = keys.Where(key => key.Key is not null).SelectMany(key => key.Key!.Material).ToFrozenSet();

    public AttestorKey? Find(KeyId id) => _byId.GetValueOrDefault(id);
}
