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
        Verify(attestor.Finding, attestor.Keys, attestations, keys, check, cancellation);

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
        if (attestations.Count == 0)
        {
            return AttestorEvidence.Nothing;
        }

        var signatures = SignaturesOf(attestations);
        // Counted apart: who may only push to a registry fills up the quota of no attestation that stands under a note, and the other way.
        VerificationRun? named = null;
        VerificationRun? others = null;
        AttestationFact? foreign = null;
        for (var index = 0; index < attestations.Count; index++)
        {
            var attestation = attestations[index];
            for (var place = 0; place < attestation.Signatures.Count; place++)
            {
                var signature = attestation.Signatures[place];
                if (signature.KeyId is not { } id)
                {
                    if (attestation.Source is EvidenceSource.Registry && unnamed.Count > 0)
                    {
                        (others ??= Run()).VerifyUnnamed(unnamed, attestation, signature);
                    }
                }
                else if (find(id) is { } key)
                {
                    (named ??= Run()).Verify(key, attestation, signature);
                }
                else
                {
                    // Foreign key ids are set aside before anything is counted: nobody can fill up another's quota. One is kept, to say so.
                    foreign ??= new AttestationFact(attestation, id, new VerificationResult.Rejected(RejectionReason.KeyUnknown, "no key of the attestor has this id"));
                }
            }

            if (named is { IsOver: true } && (others is { IsOver: true } || unnamed.Count == 0))
            {
                break;
            }
        }

        if (named is not null && others is null && foreign is null)
        {
            return new AttestorEvidence(named.Facts, named.Failures.Items);
        }

        var failures = new FailureList();
        failures.Add(named?.Failures.Items ?? []);
        failures.Add(others?.Failures.Items ?? []);
        return new AttestorEvidence([.. named?.Facts ?? [], .. others?.Facts ?? [], .. foreign is null ? (AttestationFact[])[] : [foreign]], failures.Items);

        VerificationRun Run() => new(signatures, keys, check, cancellation);
    }

    private static int SignaturesOf(IReadOnlyList<Attestation> attestations)
    {
        var count = 0;
        for (var index = 0; index < attestations.Count; index++)
        {
            count += attestations[index].Signatures.Count;
        }

        return count;
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
