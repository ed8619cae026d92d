using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// The calls of a key management service that are needed here, as the package <c>Google.Cloud.Kms.V1</c> would fill them
/// (docs/decisions/2026-11-23-kms-client.md). Every failure is a <see cref="KeyServiceException"/>.
/// </summary>
public interface IKeyManagement
{
    /// <summary><c>GetPublicKey</c>: the key under the algorithm the service says. Nothing is pinned here.</summary>
    /// <exception cref="KeyServiceException">There is no such key to be had.</exception>
    Task<PublicKey> GetPublicKeyAsync(KmsKeyName name, CancellationToken cancellation);

    /// <summary><c>GetCryptoKeyVersion</c>: what has become of the version.</summary>
    /// <exception cref="KeyServiceException">It cannot be told.</exception>
    Task<KeyState> GetStateAsync(KmsKeyName name, CancellationToken cancellation);

    /// <summary><c>AsymmetricSign</c>: the signature over a SHA-256, SHA-384 or SHA-512 digest, as the key's algorithm asks.</summary>
    /// <exception cref="KeyServiceException">It was not signed, or not provably over this digest.</exception>
    Task<byte[]> SignAsync(KmsKeyName name, ReadOnlyMemory<byte> digest, CancellationToken cancellation);
}

/// <summary>What has become of a key version.</summary>
public enum KeyState
{
    /// <summary>Not read yet, or a state that says neither; it changes nothing.</summary>
    Unknown = 0,
    Enabled,
    Disabled,

    /// <summary>Destroyed, or scheduled to be.</summary>
    Destroyed,
}

/// <summary>The key service gave no usable answer. The message holds no secret and nothing the service sent.</summary>
public sealed class KeyServiceException(KeyFailure failure) : Exception($"KMS:{KeyFailures.Name(failure)}: {KeyFailures.Why(failure)}")
{
    public KeyFailure Failure => failure;
}

/// <summary>Stands where no key service is asked: offline.</summary>
public sealed class NoKeyManagement : IKeyManagement
{
    public static NoKeyManagement Instance { get; } = new();

    public Task<PublicKey> GetPublicKeyAsync(KmsKeyName name, CancellationToken cancellation) =>
        Task.FromException<PublicKey>(new KeyServiceException(KeyFailure.NotFetched));

    public Task<KeyState> GetStateAsync(KmsKeyName name, CancellationToken cancellation) =>
        Task.FromException<KeyState>(new KeyServiceException(KeyFailure.NotFetched));

    public Task<byte[]> SignAsync(KmsKeyName name, ReadOnlyMemory<byte> digest, CancellationToken cancellation) =>
        Task.FromException<byte[]>(new KeyServiceException(KeyFailure.NotFetched));
}
