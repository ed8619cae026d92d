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
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot, Selection selection, RequiredAttestor required, SignatureCheck check, CancellationToken cancellation) =>
        AttestationVerifier.Verify(required.Attestor!, Attestations(snapshot, selection, required), check, cancellation);

    /// <summary>Verifies what is there for one authenticator of a check, for a selection whose image has a digest.</summary>
    public static AttestorEvidence Collect(
        PolicySnapshot snapshot, Selection selection, SimpleSigningCheck check, Authenticator authenticator, SignatureCheck verify, CancellationToken cancellation)
    {
        var digest = selection.Request.Image.Digest!.Value;
        Attestation[] attestations = [.. check.Projects.SelectMany(project => snapshot.AttestationsIn(project, digest)).OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue)];
        return AttestationVerifier.Verify(authenticator.Find, attestations, verify, cancellation);
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
