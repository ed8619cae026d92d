using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Decisions;

/// <summary>
/// The evidence that needs no IO: attestations among the documents of the snapshot, and those sent with the request.
/// </summary>
public static class LocalEvidence
{
    /// <summary>Verifies what is there for one attestor of a selection whose image has a digest.</summary>
    /// <param name="snapshot">The documents in force.</param>
    /// <param name="selection">What decides the request.</param>
    /// <param name="required">The attestor.</param>
    /// <param name="digest">The image, or an index that lists it.</param>
    /// <param name="stored">Its attestations of the digest that do not stand in the snapshot, newest first; of sources it takes.</param>
    /// <param name="keys">Gives the keys that are kept elsewhere.</param>
    /// <param name="check">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot,
        Selection selection,
        RequiredAttestor required,
        Digest digest,
        IReadOnlyList<Attestation> stored,
        KeyLookup keys,
        SignatureCheck check,
        CancellationToken cancellation) =>
        AttestationVerifier.Verify(required.Attestor!, Attestations(snapshot, selection, required, digest, stored), keys, check, cancellation);

    /// <summary>
    /// Adds the pinned keys kept elsewhere that <see cref="Collect(PolicySnapshot, Selection, RequiredAttestor, Digest, IReadOnlyList{Attestation}, KeyLookup, SignatureCheck, CancellationToken)"/>
    /// would ask for: those that a signature of this digest names. An attestor with a hundred keys costs one fetch if one of them signed.
    /// </summary>
    /// <param name="snapshot">The documents in force.</param>
    /// <param name="selection">What decides the request.</param>
    /// <param name="required">One of its attestors.</param>
    /// <param name="digest">The image, or an index that lists it.</param>
    /// <param name="stored">Its attestations of the digest that do not stand in the snapshot.</param>
    /// <param name="isKnown">Leaves out what need not be asked for.</param>
    /// <param name="named">Where the keys are added; made if there are any.</param>
    public static void FindRemoteKeys(
        PolicySnapshot snapshot,
        Selection selection,
        RequiredAttestor required,
        Digest digest,
        IReadOnlyList<Attestation> stored,
        Predicate<RemoteKey> isKnown,
        ref List<RemoteKey>? named)
    {
        var attestor = required.Attestor!;
        if (!attestor.HasRemoteKeys)
        {
            return;
        }

        var read = 0;
        foreach (var attestation in Attestations(snapshot, selection, required, digest, stored))
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

    /// <summary>Verifies what is there for one authenticator of a check, for a selection whose image has a digest.</summary>
    /// <param name="snapshot">The documents in force.</param>
    /// <param name="selection">What decides the request.</param>
    /// <param name="check">The check.</param>
    /// <param name="authenticator">One of its authenticators.</param>
    /// <param name="stored">Attestations of the digest in the check's projects that do not stand in the snapshot.</param>
    /// <param name="keys">Gives the keys that are kept elsewhere.</param>
    /// <param name="verify">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot,
        Selection selection,
        SimpleSigningCheck check,
        Authenticator authenticator,
        IEnumerable<Attestation> stored,
        KeyLookup keys,
        SignatureCheck verify,
        CancellationToken cancellation)
    {
        var digest = selection.Request.Image.Digest!.Value;
        Attestation[] attestations = [.. NewestFirst(check.Projects.SelectMany(project => snapshot.AttestationsIn(project, digest)).Concat(stored))];
        return AttestationVerifier.Verify(authenticator.Find, attestations, keys, verify, cancellation);
    }

    private static IEnumerable<Attestation> NewestFirst(IEnumerable<Attestation> attestations) =>
        attestations.OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue);

    private static IReadOnlyList<Attestation> Attestations(
        PolicySnapshot snapshot, Selection selection, RequiredAttestor required, Digest digest, IReadOnlyList<Attestation> stored)
    {
        IReadOnlyList<Attestation> documents = required.Sources.Contains(EvidenceSource.Grafeas)
            ? snapshot.AttestationsOf(required.Attestor!.Note, digest)
            : [];
        var lasting = stored.Count == 0 ? documents
            : documents.Count == 0 ? stored
            : [.. NewestFirst(documents.Concat(stored))];
        var request = selection.Request;
        if (request.Attestations.Count == 0 || !request.Grants.InlineAttestations || !required.Sources.Contains(EvidenceSource.Inline))
        {
            return lasting;
        }

        // Sent along means newest.
        return [.. request.Attestations.Where(inline => inline.Attestor == required.Name).Select(inline => inline.Attestation), .. lasting];
    }
}
