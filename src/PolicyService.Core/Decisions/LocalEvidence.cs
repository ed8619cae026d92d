using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Decisions;

/// <summary>
/// The evidence that needs no IO: attestations among the documents of the snapshot, and those sent with the request.
/// </summary>
public static class LocalEvidence
{
    /// <summary>Verifies what is there for one attestor of a selection whose image has a digest.</summary>
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot, Selection selection, RequiredAttestor required, KeyLookup keys, SignatureCheck check, CancellationToken cancellation) =>
        AttestationVerifier.Verify(required.Attestor!, Attestations(snapshot, selection, required), keys, check, cancellation);

    /// <summary>
    /// Adds the pinned keys kept elsewhere that <see cref="Collect"/> would ask for: those that a signature of this digest names. An
    /// attestor with a hundred keys costs one fetch if one of them signed.
    /// </summary>
    /// <param name="snapshot">The documents in force.</param>
    /// <param name="selection">What decides the request.</param>
    /// <param name="required">One of its attestors.</param>
    /// <param name="isKnown">Leaves out what need not be asked for.</param>
    /// <param name="named">Where the keys are added; made if there are any.</param>
    public static void FindRemoteKeys(
        PolicySnapshot snapshot, Selection selection, RequiredAttestor required, Predicate<RemoteKey> isKnown, ref List<RemoteKey>? named)
    {
        var attestor = required.Attestor!;
        if (!attestor.HasRemoteKeys)
        {
            return;
        }

        var read = 0;
        foreach (var attestation in Attestations(snapshot, selection, required))
        {
            foreach (var signature in attestation.Signatures)
            {
                // Foreign key ids do not count here either.
                if (attestor.Find(signature.KeyId) is not { } key)
                {
                    continue;
                }

                if (++read > Limits.SignaturesPerDigest)
                {
                    return;
                }

                if (key.Remote is { Pin: not null } remote && named?.Contains(remote) is not true && !isKnown(remote))
                {
                    (named ??= []).Add(remote);
                }
            }
        }
    }

    private static IReadOnlyList<Attestation> Attestations(PolicySnapshot snapshot, Selection selection, RequiredAttestor required)
    {
        IReadOnlyList<Attestation> stored = required.Sources.Contains(EvidenceSource.Grafeas)
            ? snapshot.AttestationsOf(required.Attestor!.Note, selection.Request.Image.Digest!.Value)
            : [];
        var request = selection.Request;
        if (request.Attestations.Count == 0 || !request.Grants.InlineAttestations || !required.Sources.Contains(EvidenceSource.Inline))
        {
            return stored;
        }

        // Sent along means newest.
        return [.. request.Attestations.Where(inline => inline.Attestor == required.Name).Select(inline => inline.Attestation), .. stored];
    }
}
