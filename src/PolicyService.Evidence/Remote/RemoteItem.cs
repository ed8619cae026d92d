using System.Security.Cryptography;
using PolicyService.Core.Attestations;

namespace PolicyService.Evidence.Remote;

/// <summary>One piece of evidence as a source elsewhere gave it, cut down to what attestations are made of. Nothing in it is verified.</summary>
/// <param name="content">JSON; what caches and the archive keep.</param>
/// <param name="attestations">What it says.</param>
public sealed class RemoteItem(byte[] content, IReadOnlyList<Attestation> attestations)
{
    private int _isOffered;

    /// <summary>JSON; what caches and the archive keep.</summary>
    public ReadOnlyMemory<byte> Content => content;

    /// <summary>SHA-256 of the content.</summary>
    public string Identity { get; } = Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>The payload with its signatures, and of an occurrence each JWT.</summary>
    public IReadOnlyList<Attestation> Attestations => attestations;

    /// <summary>True once only: whoever gets it offers it to the archive.</summary>
    public bool TryOffer() => Volatile.Read(ref _isOffered) == 0 && Interlocked.Exchange(ref _isOffered, 1) == 0;
}

/// <summary>What a source said to one question.</summary>
/// <param name="Items">What it has; where it failed, what it said before.</param>
/// <param name="IsCut">There is more, beyond the limits: what it would say is unknown.</param>
/// <param name="Failure">Why this is not all.</param>
public sealed record RemoteList(IReadOnlyList<RemoteItem> Items, bool IsCut, RemoteFailure Failure);

/// <summary>Asks the source of a question; the answer says whatever goes wrong.</summary>
/// <param name="question">What is asked.</param>
/// <param name="isAgain">What is known would deny: only the source itself will do, no copy of it.</param>
/// <param name="cancellation">The end of the time for the whole list.</param>
public delegate Task<RemoteList> RemoteListing(RemoteQuestion question, bool isAgain, CancellationToken cancellation);
