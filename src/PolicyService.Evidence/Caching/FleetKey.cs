using System.Security.Cryptography;
using System.Text;
using PolicyService.Core;

namespace PolicyService.Evidence.Caching;

/// <summary>What a key derived from the fleet key is for: what one of them makes, no other accepts.</summary>
public enum FleetKeyPurpose
{
    /// <summary>Cached values; the default, which seals nothing that decides by itself.</summary>
    Cache,

    /// <summary>Cached evidence.</summary>
    Evidence,

    /// <summary>Bells.</summary>
    Bell,

    /// <summary>The name of the channel they ring on.</summary>
    Channel,
}

/// <summary>The secret that the replicas of one fleet share. It is never used itself: every purpose has a key derived from it.</summary>
public sealed class FleetKey
{
    /// <summary>The least length of the file; bytes.</summary>
    public const int MinBytes = 32;

    private readonly byte[] _secret;

    /// <param name="secret">All bytes of the file, a line end among them if there is one.</param>
    /// <exception cref="ArgumentException">Too short, too long, or one byte over and over.</exception>
    public FleetKey(ReadOnlySpan<byte> secret)
    {
        if (ProblemOf(secret) is { } problem)
        {
            throw new ArgumentException(problem, nameof(secret));
        }

        // The entropy of a file may be spread thin over it.
        _secret = HKDF.Extract(HashAlgorithmName.SHA256, secret.ToArray(), "policyservice fleet key 1"u8.ToArray());
    }

    /// <summary>What is wrong with a secret; null: nothing.</summary>
    public static string? ProblemOf(ReadOnlySpan<byte> secret) =>
        secret.Length < MinBytes ? $"it has {secret.Length} bytes, and at least {MinBytes} are needed"
        : secret.Length > Limits.SecretFileBytes ? $"it has more than {Limits.SecretFileBytes} bytes"
        : !secret.ContainsAnyExcept(secret[0]) ? "it is one byte over and over"
        : null;

    /// <summary>The key of a purpose; 32 bytes.</summary>
    public byte[] Derive(FleetKeyPurpose purpose) =>
        HKDF.Expand(HashAlgorithmName.SHA256, _secret, SHA256.HashSizeInBytes, Encoding.ASCII.GetBytes($"policyservice:1:{purpose}"));

    /// <summary>Not the secret.</summary>
    public override string ToString() => nameof(FleetKey);
}
