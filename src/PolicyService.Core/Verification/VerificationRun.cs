using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;

namespace PolicyService.Core.Verification;

/// <summary>The signatures of one attestor and one digest that name keys, or those that name none: what they gave, within the limits on both.</summary>
/// <param name="signatures">How many there are in all. Where they are few enough for one key, none has too many.</param>
/// <param name="keys">Gives the keys that are kept elsewhere.</param>
/// <param name="check">Verifies one signature.</param>
/// <param name="cancellation">The end of the time for the evaluation.</param>
internal sealed class VerificationRun(int signatures, KeyLookup keys, SignatureCheck check, CancellationToken cancellation)
{
    private readonly List<AttestationFact> _facts = new(Math.Min(signatures, 4));
    private readonly Dictionary<KeyId, int>? _perKey = signatures > Limits.SignaturesPerKey ? [] : null;
    private int _read;

    public IReadOnlyList<AttestationFact> Facts => _facts;

    public FailureList Failures { get; } = new();

    /// <summary>A limit or the time ended it: nothing more is read.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Verifies a signature that names a key.</summary>
    public void Verify(AttestorKey key, Attestation attestation, AttestationSignature signature)
    {
        if (!MayRead() || !Fits(attestation, signature) || !MayVerify(key.Id))
        {
            return;
        }

        if (key.Remote is { } remote)
        {
            if (Resolve(remote, out var failure) is { } fetched)
            {
                _facts.Add(new AttestationFact(attestation, key.Id, check(fetched, attestation, signature)));
            }
            else
            {
                Failures.Add(key.Id, failure);
            }

            return;
        }

        _facts.Add(new AttestationFact(attestation, key.Id, key.Key is null
            ? new VerificationResult.Rejected(RejectionReason.KeyUnknown, $"the key is unusable: {key.Problem}")
            : check(key.Key, attestation, signature)));
    }

    /// <summary>Verifies a signature that names no key: any PKIX key may have made it. PGP messages name theirs, so none lies in a registry.</summary>
    public void VerifyUnnamed(IReadOnlyList<AttestorKey> candidates, Attestation attestation, AttestationSignature signature)
    {
        if (!MayRead() || !Fits(attestation, signature))
        {
            return;
        }

        List<(KeyId Key, KeyFailure Failure)>? missing = null;
        var isUntried = false;
        foreach (var candidate in candidates.Where(candidate => candidate.Remote is not null || candidate.Key is PublicKey))
        {
            if (!IsInTime())
            {
                return;
            }

            if (!MayVerify(candidate.Id))
            {
                isUntried = true;
                continue;
            }

            var failure = KeyFailure.NotFetched;
            if ((candidate.Remote is { } remote ? Resolve(remote, out failure) : candidate.Key as PublicKey) is not { } key)
            {
                (missing ??= []).Add((candidate.Id, failure));
                continue;
            }

            var result = check(key, attestation, signature);
            if (result is not VerificationResult.Rejected { Reason: RejectionReason.SignatureInvalid })
            {
                _facts.Add(new AttestationFact(attestation, candidate.Id, result));
                return;
            }
        }

        foreach (var (key, failure) in missing ?? [])
        {
            Failures.Add(key, failure);
        }

        if (!isUntried)
        {
            _facts.Add(new AttestationFact(attestation, null, new VerificationResult.Rejected(RejectionReason.SignatureInvalid, "no key of the attestor verifies the signature")));
        }
    }

    private bool MayRead()
    {
        if (IsOver || !IsInTime())
        {
            return false;
        }

        if (++_read > Limits.SignaturesPerDigest)
        {
            Failures.Add(ReasonCode.EvidenceLimit, "SIGNATURES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} signatures");
            IsOver = true;
        }

        return !IsOver;
    }

    private bool IsInTime()
    {
        if (cancellation.IsCancellationRequested)
        {
            Failures.Add(ReasonCode.Deadline, "VERIFICATION", "the time ran out before every signature was verified");
            IsOver = true;
        }

        return !IsOver;
    }

    private bool Fits(Attestation attestation, AttestationSignature signature)
    {
        if (!attestation.IsOversized && !signature.IsOversized)
        {
            return true;
        }

        var what = attestation.IsOversized ? "PAYLOAD_BYTES" : signature.Format is SignatureFormat.Jwt ? "JWT_BYTES" : "SIGNATURE_BYTES";
        Failures.Add(ReasonCode.EvidenceLimit, what, "an attestation exceeds the limit on its size");
        return false;
    }

    private bool MayVerify(KeyId key)
    {
        if (_perKey is null)
        {
            return true;
        }

        var count = _perKey.GetValueOrDefault(key);
        if (count >= Limits.SignaturesPerKey)
        {
            Failures.Add(ReasonCode.EvidenceLimit, "SIGNATURES_PER_KEY", $"more than {Limits.SignaturesPerKey} signatures for one key");
            return false;
        }

        _perKey[key] = count + 1;
        return true;
    }

    /// <summary>
    /// The pinned key under the declared algorithm, or why there is none. Pin and algorithm are looked at here, whoever fetched the key:
    /// no cache in between needs to be believed.
    /// </summary>
    private PublicKey? Resolve(RemoteKey remote, out KeyFailure failure)
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
}
