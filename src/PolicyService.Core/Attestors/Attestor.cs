using System.Collections.Frozen;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Attestors;

/// <summary>
/// One key of an attestor. Exactly one of three: usable (<see cref="Key"/>), unusable (<see cref="Problem"/>), or kept elsewhere
/// (<see cref="Remote"/>).
/// </summary>
public sealed record AttestorKey(KeyId Id, VerificationKey? Key, string? Problem)
{
    /// <summary>Where the key is kept, if not in the document.</summary>
    public RemoteKey? Remote { get; init; }

    public static AttestorKey Elsewhere(KeyId id, RemoteKey remote) => new(id, null, null) { Remote = remote };
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

    /// <summary>Whether any key is kept elsewhere.</summary>
    public bool HasRemoteKeys { get; } = keys.Any(key => key.Remote is not null);

    /// <summary><see cref="Find"/>, made once.</summary>
    internal Func<KeyId, AttestorKey?> Finding => field ??= Find;

    public AttestorKey? Find(KeyId id) => _byId.GetValueOrDefault(id);
}
