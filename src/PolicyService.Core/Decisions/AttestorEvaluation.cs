using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Decisions;

/// <summary>
/// Judges the evidence of one attestor: each attestation goes through the steps until one stops it, and the furthest step any of
/// them reached is the detail of the denial (SEMANTICS section 9, "Details").
/// </summary>
internal static class AttestorEvaluation
{
    public static PartOutcome Evaluate(Selection selection, RequiredAttestor required, EvidenceSet evidence, DateTimeOffset now)
    {
        // Before whether it exists: that is nobody's business who may not use it.
        if (!required.IsPermitted)
        {
            return Denied(selection, required, AttestorDetail.NoPermission, $"the policy of project `{selection.Binding.Project}` may not use it");
        }

        if (required.Attestor is not { } attestor)
        {
            return PartOutcome.Error(Texts.ConfigError(selection, required.Problem ?? "the attestor does not exist", required.Name.ToString()));
        }

        if (selection.Request.Image.Digest is not { } digest)
        {
            return Denied(selection, required, AttestorDetail.NoDigest, "expected digest with sha256 scheme, got tag or malformed digest");
        }

        if (required.Problem is not null)
        {
            return PartOutcome.Error(Texts.ConfigError(selection, required.Problem, required.Name.ToString()));
        }

        if (attestor.Keys.Count == 0)
        {
            return Denied(selection, required, AttestorDetail.NoKeys, "the attestor has no keys");
        }

        return Judge(selection, required, evidence.Of(required.Name), digest, now);
    }

    private static PartOutcome Judge(Selection selection, RequiredAttestor required, AttestorEvidence evidence, Digest digest, DateTimeOffset now)
    {
        var (furthest, why, keyId) = (AttestorDetail.NoAttestation, "", required.Attestor!.Keys[0].Id.ToString());
        AttestationFact? archived = null;
        for (var index = 0; index < evidence.Facts.Count; index++)
        {
            var fact = evidence.Facts[index];
            var (detail, explanation) = Stop(selection, required, fact, digest, now);
            if (detail is null)
            {
                if (fact.Attestation.LastSeen is null)
                {
                    return Attested(selection, required, fact);
                }

                archived ??= fact;
            }
            else if (detail > furthest)
            {
                (furthest, why, keyId) = (detail.Value, explanation, fact.KeyId.ToString() ?? "");
            }
        }

        if (archived is not null)
        {
            return Attested(selection, required, archived);
        }

        if (evidence.Failures.Count == 0)
        {
            return Denied(selection, required, furthest, furthest is AttestorDetail.NoAttestation ? Needed(selection, required) : why, keyId);
        }

        // What could not be looked at might have satisfied the attestor, so it is an error and not a denial. Where the pair is
        // revoked nothing could have, and an error must not fail open over that.
        return RevocationStep(selection, required, digest) is (_, var revoked)
            ? Denied(selection, required, AttestorDetail.Revoked, revoked)
            : PartOutcome.Error([.. evidence.Failures.Select(failure => Texts.Unavailable(selection, required, failure))]);
    }

    /// <summary>The step that stops an attestation, in the order of the specification; null if none does.</summary>
    private static (AttestorDetail? Detail, string Why) Stop(
        Selection selection, RequiredAttestor required, AttestationFact fact, Digest digest, DateTimeOffset now)
    {
        if (fact.Result is not VerificationResult.Verified verified)
        {
            return AttestationSteps.Rejection(fact.Result);
        }

        return AttestationSteps.Payload(fact.Attestation, verified.Payload)
            ?? AttestationSteps.AboutDigest(fact.Attestation, verified.Payload, fact.Index ?? digest)
            ?? ReferenceStep(selection, verified.Payload)
            ?? RevocationStep(selection, required, digest)
            ?? IndexRevocationStep(selection, required, fact.Index)
            ?? AttestationSteps.Validity(verified, now)
            ?? AgeStep(required, fact.Attestation, now)
            ?? (null, "");
    }

    private static (AttestorDetail?, string)? ReferenceStep(Selection selection, SimpleSigningPayload payload)
    {
        if (!selection.Options.BindRepository)
        {
            return null;
        }

        if (payload.DockerReference.Length == 0)
        {
            return (AttestorDetail.ReferenceMismatch, "what was signed names no repository, and bindRepository asks for it");
        }

        // The tag of the signed reference is ignored; a bare digest has no name and agrees with none.
        var name = selection.Request.Image.Name;
        var agrees = name.Length > 0 && ImageReference.TryParse(payload.DockerReference, out var signed) && signed.Name == name;
        return agrees ? null : (AttestorDetail.ReferenceMismatch, $"what was signed is about the repository `{Documents.Shown.Value(payload.DockerReference)}`");
    }

    private static (AttestorDetail?, string)? RevocationStep(Selection selection, RequiredAttestor required, Digest digest) =>
        selection.Options.RevokedPairs.TryGetValue((required.Name, digest), out var revocation)
            ? (AttestorDetail.Revoked, $"its attestations of the digest were revoked by {revocation.Author}: {revocation.Reason}")
            : null;

    /// <summary>An index that is revoked vouches for nothing, and one whose attestations by the attestor are revoked not through that attestor.</summary>
    private static (AttestorDetail?, string)? IndexRevocationStep(Selection selection, RequiredAttestor required, Digest? index) => index is not { } digest ? null
        : selection.Options.RevokedDigests.TryGetValue(digest, out var revocation) ? (AttestorDetail.Revoked, $"the index {digest} was revoked by {revocation.Author}: {revocation.Reason}")
        : RevocationStep(selection, required, digest);

    private static (AttestorDetail?, string)? AgeStep(RequiredAttestor required, Attestation attestation, DateTimeOffset now)
    {
        if (required.MaxAge is not { } maxAge)
        {
            return null;
        }

        if (attestation.FirstSeen is not { } seen || seen > now + Limits.ClockSkew)
        {
            // An age nobody can tell must not pass for a young one.
            return (AttestorDetail.Expired, "it is not known since when the attestation exists, and maxAttestationAge is set");
        }

        return now - seen > maxAge ? (AttestorDetail.Expired, $"the attestation is older than maxAttestationAge ({maxAge})") : null;
    }

    private static PartOutcome Attested(Selection selection, RequiredAttestor required, AttestationFact fact) =>
        new(Conformance.Conformant, [Texts.Attested(selection, required, fact)]) { Evidence = [fact.Attestation.PayloadHash], LastSeen = fact.Attestation.LastSeen };

    private static PartOutcome Denied(Selection selection, RequiredAttestor required, AttestorDetail detail, string why, string keyId = "") =>
        PartOutcome.NonConformant(Texts.DeniedByAttestor(selection, required, detail, why, keyId));

    private static string Needed(Selection selection, RequiredAttestor required)
    {
        var attestor = required.Attestor!;
        var keys = string.Join(" or ", attestor.Keys.Take(5).Select(key => $"key {key.Id}"));
        var place = (required.TakesOccurrences, required.TakesRegistry) switch
        {
            (true, true) => $"under {attestor.Note}, or a cosign signature beside the image,",
            (false, true) => "as a cosign signature beside the image",
            _ => $"under {attestor.Note}",
        };
        return $"no attestation found; it needs one {place} signed by {keys}"
            + (required.TakesOccurrences && selection.Options.ContainerAnalysis is { } remote && !remote.Projects.Contains(attestor.Note.Project)
                ? "; the note's project is not among containerAnalysis.projects, so Container Analysis was not asked"
                : "")
            + (required.TakesRegistry && !RegistryReasons.IsAsked(selection) ? $"; {RegistryReasons.NotAsked(selection)}" : "");
    }
}
