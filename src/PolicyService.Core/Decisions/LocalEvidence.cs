using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
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
    /// <param name="stored">Its attestations of the digest that do not stand in the snapshot, newest first; of sources it takes.</param>
    /// <param name="check">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot,
        Selection selection,
        RequiredAttestor required,
        IReadOnlyList<Attestation> stored,
        SignatureCheck check,
        CancellationToken cancellation) =>
        AttestationVerifier.Verify(required.Attestor!, Attestations(snapshot, selection, required, stored), check, cancellation);

    /// <summary>Verifies what is there for one authenticator of a check, for a selection whose image has a digest.</summary>
    /// <param name="snapshot">The documents in force.</param>
    /// <param name="selection">What decides the request.</param>
    /// <param name="check">The check.</param>
    /// <param name="authenticator">One of its authenticators.</param>
    /// <param name="stored">Attestations of the digest in the check's projects that do not stand in the snapshot.</param>
    /// <param name="verify">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot,
        Selection selection,
        SimpleSigningCheck check,
        Authenticator authenticator,
        IEnumerable<Attestation> stored,
        SignatureCheck verify,
        CancellationToken cancellation)
    {
        var digest = selection.Request.Image.Digest!.Value;
        Attestation[] attestations = [.. NewestFirst(check.Projects.SelectMany(project => snapshot.AttestationsIn(project, digest)).Concat(stored))];
        return AttestationVerifier.Verify(authenticator.Find, attestations, verify, cancellation);
    }

    private static IEnumerable<Attestation> NewestFirst(IEnumerable<Attestation> attestations) =>
        attestations.OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue);

    private static IReadOnlyList<Attestation> Attestations(
        PolicySnapshot snapshot, Selection selection, RequiredAttestor required, IReadOnlyList<Attestation> stored)
    {
        IReadOnlyList<Attestation> documents = required.Sources.Contains(EvidenceSource.Grafeas)
            ? snapshot.AttestationsOf(required.Attestor!.Note, selection.Request.Image.Digest!.Value)
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
