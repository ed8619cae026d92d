using PolicyService.Core.Images;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>Bytes of a registry, and the digest that was computed of them here.</summary>
/// <param name="Bytes">As they came.</param>
/// <param name="MediaType">What the registry says they are; empty where it says nothing.</param>
/// <param name="Digest">SHA-256 of the bytes.</param>
public sealed record RegistryContent(byte[] Bytes, string MediaType, Digest Digest);

/// <summary>What came of asking a registry for one thing: the content, a clean "not there", or a failure, which is neither.</summary>
public readonly record struct RegistryOutcome
{
    /// <summary>The content; null: there is none.</summary>
    public RegistryContent? Content { get; private init; }

    /// <summary>The registry says that it has the repository, or says nothing of it, and not this: nothing failed.</summary>
    public bool IsNotThere { get; private init; }

    /// <summary>Longer than it may be (SEMANTICS section 7): what it says is unknown.</summary>
    public bool IsTooLarge { get; private init; }

    /// <summary>Why nobody knows what is there.</summary>
    public RemoteFailure Failure { get; private init; }

    public static RegistryOutcome NotThere { get; } = new() { IsNotThere = true };

    public static RegistryOutcome TooLarge { get; } = new() { IsTooLarge = true };

    public static RegistryOutcome Of(RegistryContent content) => new() { Content = content };

    public static RegistryOutcome Failed(RemoteFailure failure) => new() { Failure = failure };
}
