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
    /// would ask for: those that a signature of this digest names, and every one where a signature of a registry names none. An attestor with a
    /// hundred keys costs one fetch if one of them signed an occurrence.
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

        var (read, isUnnamed) = (0, false);
        foreach (var attestation in Attestations(snapshot, selection, required, digest, stored))
        {
            foreach (var signature in attestation.Signatures)
            {
                if (signature.KeyId is not { } id)
                {
                    isUnnamed |= attestation.Source is EvidenceSource.Registry;
                    continue;
                }

                // Foreign key ids do not count here either.
                if (attestor.Find(id) is { } key && ++read <= Limits.SignaturesPerDigest)
                {
                    AddRemote(key, isKnown, ref named);
                }
            }
        }

        // Any of the keys may have made a signature that names none. Each is asked for once, however many such signatures there are.
        foreach (var key in isUnnamed ? attestor.Keys : [])
        {
            AddRemote(key, isKnown, ref named);
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
        // The check asks what stands in projects; a registry is none.
        var here = check.Projects.SelectMany(project => snapshot.AttestationsIn(project, digest)).Concat(stored.Where(attestation => attestation.Source is not EvidenceSource.Registry));
        return AttestationVerifier.Verify(authenticator.Find, [], [.. NewestFirst(here)], keys, verify, cancellation);
    }

    private static void AddRemote(AttestorKey key, Predicate<RemoteKey> isKnown, ref List<RemoteKey>? named)
    {
        if (key.Remote is { Pin: not null } remote && named?.Contains(remote) is not true && !isKnown(remote))
        {
            (named ??= []).Add(remote);
        }
    }

    private static IEnumerable<Attestation> NewestFirst(IEnumerable<Attestation> attestations) =>
        attestations.OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue);

    private static bool HasRegistry(IReadOnlyList<Attestation> attestations)
    {
        for (var index = 0; index < attestations.Count; index++)
        {
            if (attestations[index].Source is EvidenceSource.Registry)
            {
                return true;
            }
        }

        return false;
    }

    private static IReadOnlyList<Attestation> Attestations(
        PolicySnapshot snapshot, Selection selection, RequiredAttestor required, Digest digest, IReadOnlyList<Attestation> stored)
    {
        IReadOnlyList<Attestation> documents = required.TakesOccurrences
            ? snapshot.AttestationsOf(required.Attestor!.Note, digest)
            : [];
        if (!required.TakesRegistry && HasRegistry(stored))
        {
            stored = [.. stored.Where(attestation => attestation.Source is not EvidenceSource.Registry)];
        }

        var lasting = stored.Count == 0 ? documents
            : documents.Count == 0 ? stored
            : [.. NewestFirst(documents.Concat(stored))];
        var request = selection.Request;
        if (request.Attestations.Count == 0 || !request.Grants.InlineAttestations || !required.TakesInline)
        {
            return lasting;
        }

        // Sent along means newest.
        return [.. request.Attestations.Where(inline => inline.Attestor == required.Name).Select(inline => inline.Attestation), .. lasting];
    }
}
