using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Attestations;

/// <summary>What the bytes of a signature are.</summary>
public enum SignatureFormat
{
    /// <summary>A signature over the attestation's payload, as the key makes them: raw, or a PGP message.</summary>
    OverPayload = 0,

    /// <summary>A compact JWT: the whole token, which carries its own payload.</summary>
    Jwt,

    /// <summary>A signature over the pre-authentication encoding of the attestation's payload, which is an in-toto statement.</summary>
    Dsse,
}

/// <summary>One signature of an attestation, with the id of the key that is said to have made it.</summary>
public sealed class AttestationSignature(KeyId? keyId, byte[] value, SignatureFormat format = SignatureFormat.OverPayload)
{
    public SignatureFormat Format => format;

    /// <summary>Null: nobody says, so every key of an attestor may have made it. So it is in registries, and nowhere else.</summary>
    public KeyId? KeyId => keyId;

    public ReadOnlyMemory<byte> Value => value;

    /// <summary>SHA-256 of the signature, by which its verification is remembered.</summary>
    public Digest Hash { get; } = Digest.Of(value);

    public bool IsOversized => value.Length > (format is SignatureFormat.Jwt ? Limits.JwtBytes : Limits.SignatureBytes);
}

/// <summary>Signed bytes as some source gave them. Nothing in here is believed before a signature verifies.</summary>
public sealed class Attestation(byte[] payload, IReadOnlyList<AttestationSignature> signatures)
{
    public required EvidenceSource Source { get; init; }

    /// <summary>Note the occurrence hangs on; the default name for inline attestations, which name none.</summary>
    public NoteName Note { get; init; }

    /// <summary>Name of the occurrence, for people.</summary>
    public string Name { get; init; } = "";

    /// <summary>Project of the occurrence's own name; empty where it has none. Checks ask by it, attestors by the note.</summary>
    public string Project => Name.Split('/') is ["projects", var project, "occurrences", _] && ResourceNames.IsProject(project) ? project : "";

    /// <summary>Digest of the occurrence's <c>resourceUri</c>; null for inline attestations, which have none.</summary>
    public Digest? ResourceDigest { get; init; }

    /// <summary>When our store or directory, or a remote Container Analysis, first had it; null if that is unknown. Never the signer's claim.</summary>
    public DateTimeOffset? FirstSeen { get; init; }

    /// <summary>
    /// When its source last showed it, where it stands in the archive and its source cannot be asked; null: it is as its source has it.
    /// </summary>
    public DateTimeOffset? LastSeen { get; private init; }

    public ReadOnlyMemory<byte> Payload => payload;

    /// <summary>SHA-256 of the payload, by which records name the evidence.</summary>
    public Digest PayloadHash { get; } = Digest.Of(payload);

    public bool IsOversized => payload.Length > Limits.PayloadBytes;

    public IReadOnlyList<AttestationSignature> Signatures => signatures;

    /// <summary>The same as the archive has it.</summary>
    public Attestation Archived(DateTimeOffset lastSeen) => new(payload, signatures)
    {
        Source = Source,
        Note = Note,
        Name = Name,
        ResourceDigest = ResourceDigest,
        FirstSeen = FirstSeen,
        LastSeen = lastSeen,
    };
}
