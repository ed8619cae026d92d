using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
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
        Verify(attestor.Find, attestations, keys, check, cancellation);

    /// <param name="find">The key of an id, among those that count.</param>
    /// <param name="attestations">The attestations of the digest, newest first.</param>
    /// <param name="keys">Gives the keys that are kept elsewhere.</param>
    /// <param name="check">Verifies one signature.</param>
    /// <param name="cancellation">The end of the time for this evaluation.</param>
    public static AttestorEvidence Verify(
        Func<KeyId, AttestorKey?> find, IReadOnlyList<Attestation> attestations, KeyLookup keys, SignatureCheck check, CancellationToken cancellation)
    {
        var facts = new List<AttestationFact>();
        var failures = new FailureList();
        var perKey = new Dictionary<KeyId, int>();
        AttestationFact? foreign = null;
        var read = 0;
        foreach (var attestation in attestations)
        {
            foreach (var signature in attestation.Signatures)
            {
                // Foreign key ids are set aside before anything is counted: nobody can fill up another's quota. One is kept, to say so.
                if (find(signature.KeyId) is not { } key)
                {
                    foreign ??= new AttestationFact(attestation, signature.KeyId, new VerificationResult.Rejected(RejectionReason.KeyUnknown, "no key of the attestor has this id"));
                    continue;
                }

                if (++read > Limits.SignaturesPerDigest)
                {
                    failures.Add(ReasonCode.EvidenceLimit, "SIGNATURES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} signatures");
                    return new AttestorEvidence(facts, failures.Items);
                }

                if (cancellation.IsCancellationRequested)
                {
                    failures.Add(ReasonCode.Deadline, "VERIFICATION", "the time ran out before every signature was verified");
                    return new AttestorEvidence(facts, failures.Items);
                }

                if (Fact(key, attestation, signature, keys, check, perKey, failures) is { } fact)
                {
                    facts.Add(fact);
                }
            }
        }

        return new AttestorEvidence(foreign is null ? facts : [.. facts, foreign], failures.Items);
    }

    /// <summary>Verifies the signature, then parses what it signs: unverified bytes are not parsed.</summary>
    public static VerificationResult VerifySignature(VerificationKey key, Attestation attestation, AttestationSignature signature) =>
        (key, signature.Format) switch
        {
            (PublicKey pkix, SignatureFormat.OverPayload) => VerifyOverPayload(pkix, attestation, signature),
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

    private static AttestationFact? Fact(
        AttestorKey key,
        Attestation attestation,
        AttestationSignature signature,
        KeyLookup keys,
        SignatureCheck check,
        Dictionary<KeyId, int> perKey,
        FailureList failures)
    {
        if (attestation.IsOversized || signature.IsOversized)
        {
            var what = attestation.IsOversized ? "PAYLOAD_BYTES" : signature.Format is SignatureFormat.Jwt ? "JWT_BYTES" : "SIGNATURE_BYTES";
            failures.Add(ReasonCode.EvidenceLimit, what, "an attestation exceeds the limit on its size");
            return null;
        }

        var count = perKey.GetValueOrDefault(signature.KeyId);
        if (count >= Limits.SignaturesPerKey)
        {
            failures.Add(ReasonCode.EvidenceLimit, "SIGNATURES_PER_KEY", $"more than {Limits.SignaturesPerKey} signatures name one key");
            return null;
        }

        perKey[signature.KeyId] = count + 1;
        if (key.Remote is { } remote)
        {
            if (Resolve(remote, keys, out var failure) is { } fetched)
            {
                return new AttestationFact(attestation, key.Id, check(fetched, attestation, signature));
            }

            failures.Add(key.Id, failure);
            return null;
        }

        return key.Key is null
            ? new AttestationFact(attestation, key.Id, new VerificationResult.Rejected(RejectionReason.KeyUnknown, $"the key is unusable: {key.Problem}"))
            : new AttestationFact(attestation, key.Id, check(key.Key, attestation, signature));
    }

    /// <summary>
    /// The pinned key under the declared algorithm, or why there is none. Pin and algorithm are looked at here, whoever fetched the key:
    /// no cache in between needs to be believed.
    /// </summary>
    private static PublicKey? Resolve(RemoteKey remote, KeyLookup keys, out KeyFailure failure)
    {
        failure = KeyFailure.NotPinned;
        if (remote.Pin is not { } pin)
        {
            return null;
        }

        switch (keys(remote))
        {
            case KeyResolution.Found { Key: var key } when key.Fingerprint != pin:
                failure = KeyFailure.OtherKey;
                return null;
            case KeyResolution.Found { Key: var key } when remote.Algorithm is not SignatureAlgorithm.Unspecified && key.Algorithm != remote.Algorithm:
                failure = KeyFailure.OtherAlgorithm;
                return null;
            case KeyResolution.Found { Key: var key }:
                return key;
            case KeyResolution.Missing missing:
                failure = missing.Failure;
                return null;
            default:
                failure = KeyFailure.NotFetched;
                return null;
        }
    }

    /// <summary>Failures without repetition: ten thousand oversized attestations are one.</summary>
    private sealed class FailureList
    {
        private readonly List<EvidenceFailure> _items = [];

        public IReadOnlyList<EvidenceFailure> Items => _items;

        public void Add(ReasonCode code, string detail, string explanation)
        {
            if (!_items.Exists(item => item.Code == code && item.Detail == detail))
            {
                // An image's author can cause each of these, so none may fail open.
                _items.Add(new EvidenceFailure(code, detail, explanation, IsOwnFault: false));
            }
        }

        /// <summary>
        /// Once for each key. A signature made of anything is enough to name a key whose service is down, so this must not fail open either.
        /// </summary>
        public void Add(KeyId key, KeyFailure failure)
        {
            var keyId = key.ToString();
            if (!_items.Exists(item => item.KeyId == keyId))
            {
                var (code, detail) = failure is KeyFailure.Deadline ? (ReasonCode.Deadline, "KMS") : (ReasonCode.KeyUnavailable, $"KMS:{KeyFailures.Name(failure)}");
                _items.Add(new EvidenceFailure(code, detail, $"the public key `{keyId}` cannot be had: {KeyFailures.Why(failure)}", IsOwnFault: false)
                {
                    KeyId = keyId,
                    Remedy = KeyFailures.Remedy(failure),
                });
            }
        }
    }
}
