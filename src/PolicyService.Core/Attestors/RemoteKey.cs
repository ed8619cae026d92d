using PolicyService.Core.Images;

namespace PolicyService.Core.Attestors;

/// <summary>A key of an attestor that is kept in a key service: what the documents say of it.</summary>
/// <param name="Name">Where it is kept.</param>
/// <param name="Algorithm">How it signs, as the attestor's document declares; unspecified: as the key service says.</param>
public sealed record RemoteKey(KmsKeyName Name, SignatureAlgorithm Algorithm)
{
    /// <summary>SHA-256 of its SubjectPublicKeyInfo, from the options of the rule's project. Without it the key verifies nothing.</summary>
    public Digest? Pin { get; init; }

    /// <summary>The key itself where the document carries it: only its state is asked for.</summary>
    public KeyResolution.Found? Given { get; init; }

    /// <summary>The project's option <c>revokeOnKmsDisable</c>: its signatures count no more once the version is disabled or destroyed.</summary>
    public bool RevokeOnDisable { get; init; }
}
