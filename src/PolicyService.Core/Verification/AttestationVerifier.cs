using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification.Jwt;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Core.Verification;

/// <summary>Verifies one signature with one key; the caller may remember results, which depend on nothing else.</summary>
public delegate VerificationResult SignatureCheck(VerificationKey key, Attestation attestation, AttestationSignature signature);

/// <summary>
/// Verifies the attestations of one attestor (SEMANTICS section 1, "Attestors"). Bad attestations neither help nor hurt: each
/// signature gives a fact of its own, and what could not be looked at is a failure, never an absence.
/// </summary>
public static class AttestationVerifier
{
    /// <param name="attestor">The attestor whose keys count.</param>
    /// <param name="attestations">Its attestations of the digest, newest first.</param>
    /// <param name="keys">Gives the keys that are kept elsewhere.</param>
    /// <param name="check">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for this evaluation; what is unread then is a DEADLINE failure.</param>
    public static AttestorEvidence Verify(
        Attestor attestor, IReadOnlyList<Attestation> attestations, KeyLookup keys, SignatureCheck check, CancellationToken cancellation) =>
        Verify(attestor.Find, attestor.Keys, attestations, keys, check, cancellation);

    /// <param name="find">The key of an id, among those that count.</param>
    /// <param name="unnamed">The keys that signatures of a registry are tried with, which name none; none: such signatures do not count.</param>
    /// <param name="attestations">The attestations of the digest, newest first.</param>
    /// <param name="keys">Gives the keys that are kept elsewhere.</param>
    /// <param name="check">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for this evaluation.</param>
    public static AttestorEvidence Verify(
        Func<KeyId, AttestorKey?> find,
        IReadOnlyList<AttestorKey> unnamed,
        IReadOnlyList<Attestation> attestations,
        KeyLookup keys,
        SignatureCheck check,
        CancellationToken cancellation)
    {
        // Counted apart: who may only push to a registry fills up the quota of no attestation that stands under a note, and the other way.
        var named = new VerificationRun(keys, check, cancellation);
        var others = new VerificationRun(keys, check, cancellation);
        AttestationFact? foreign = null;
        foreach (var attestation in attestations)
        {
            foreach (var signature in attestation.Signatures)
            {
                if (signature.KeyId is not { } id)
                {
                    if (attestation.Source is EvidenceSource.Registry && unnamed.Count > 0)
                    {
                        others.VerifyUnnamed(unnamed, attestation, signature);
                    }
                }
                else if (find(id) is { } key)
                {
                    named.Verify(key, attestation, signature);
                }
                else
                {
                    // Foreign key ids are set aside before anything is counted: nobody can fill up another's quota. One is kept, to say so.
                    foreign ??= new AttestationFact(attestation, id, new VerificationResult.Rejected(RejectionReason.KeyUnknown, "no key of the attestor has this id"));
                }
            }

            if (named.IsOver && (others.IsOver || unnamed.Count == 0))
            {
                break;
            }
        }

        named.Failures.Add(others.Failures);
        return new AttestorEvidence([.. named.Facts, .. others.Facts, .. foreign is null ? (AttestationFact[])[] : [foreign]], named.Failures.Items);
    }

    /// <summary>Verifies the signature, then parses what it signs: unverified bytes are not parsed.</summary>
    public static VerificationResult VerifySignature(VerificationKey key, Attestation attestation, AttestationSignature signature) =>
        (key, signature.Format) switch
        {
            (PublicKey pkix, SignatureFormat.OverPayload) => VerifyOverPayload(pkix, attestation, signature),
            (PublicKey pkix, SignatureFormat.Dsse) => DsseVerifier.Verify(pkix, attestation, signature),
            (PublicKey pkix, SignatureFormat.Jwt) => JwtVerifier.Verify(pkix, signature),
            (PgpKey pgp, SignatureFormat.OverPayload) => PgpVerifier.Verify(pgp, attestation, signature),
            _ => new VerificationResult.Rejected(RejectionReason.SignatureInvalid, "a key of this kind signs nothing of this form"),
        };

    private static VerificationResult VerifyOverPayload(PublicKey key, Attestation attestation, AttestationSignature signature)
    {
        var payload = attestation.Payload.Span;
        if (!key.Verify(payload, signature.Value.Span)
            && !key.Verify(DssePae.Encode(DssePae.SimpleSigningType, payload), signature.Value.Span))
        {
            return new VerificationResult.Rejected(RejectionReason.SignatureInvalid, "the signature does not verify");
        }

        return SimpleSigningPayload.TryParse(payload, out var parsed, out var problem)
            ? new VerificationResult.Verified(parsed)
            : new VerificationResult.Rejected(RejectionReason.PayloadInvalid, problem);
    }
}
