using PolicyService.Core.Decisions;
using PolicyService.Core.Images;

namespace PolicyService.Core.Checks;

/// <summary>
/// Requires an attestation of the digest that any key of any authenticator verifies (SEMANTICS section 2). Where an attestor counts what
/// hangs on its note, this counts what stands in the named projects.
/// </summary>
/// <param name="DisplayName">What it is called, for people.</param>
/// <param name="Allowlist">Images it spares.</param>
/// <param name="Projects">Ids of the projects; none: nothing counts.</param>
/// <param name="Authenticators">Any of them will do, with any of its keys.</param>
public sealed record SimpleSigningCheck(string DisplayName, NamePatternSet Allowlist, IReadOnlyList<string> Projects, IReadOnlyList<Authenticator> Authenticators)
    : Check(Name, DisplayName, Allowlist)
{
    public const string Name = "simpleSigningAttestationCheck";

    /// <summary>Projects of one check, as Binary Authorization has it.</summary>
    public const int MaxProjects = 10;

    protected override CheckResult Judge(CheckInput input)
    {
        if (input.Image.Digest is not { } digest)
        {
            return NonConformant("expected digest with sha256 scheme, got tag or malformed digest");
        }

        if (Authenticators.All(authenticator => authenticator.Keys.Count > 0 && authenticator.Keys.All(key => key.Problem is not null)))
        {
            return Error([new EvidenceFailure(
                ReasonCode.PolicyConfigError, "", $"none of the keys of `{Type}` is usable ({Authenticators[0].Keys[0].Problem})", IsOwnFault: false)]);
        }

        var (furthest, why) = (AttestorDetail.NoAttestation, $"no attestation of {digest} was found in {(Projects.Count == 0 ? "any project, because the check names none" : Named(", "))}");
        var failures = new List<EvidenceFailure>();
        CheckResult? archived = null;
        foreach (var authenticator in Authenticators)
        {
            var evidence = input.Evidence.Of(authenticator);
            foreach (var fact in evidence.Facts)
            {
                var (detail, explanation) = AttestationSteps.Stop(fact, digest, input.EvaluationTime);
                if (detail is null)
                {
                    var conformant = new CheckResult(Conformance.Conformant, Type, $"key {fact.KeyId} attests {digest}") { Evidence = fact.Attestation.PayloadHash, LastSeen = fact.Attestation.LastSeen };
                    if (conformant.LastSeen is null)
                    {
                        return conformant;
                    }

                    archived ??= conformant;
                }
                else if (detail > furthest)
                {
                    (furthest, why) = (detail.Value, fact.KeyId is { } id && authenticator.Find(id) is null ? $"no key of the check has the id `{fact.KeyId}`" : explanation);
                }
            }

            failures.AddRange(evidence.Failures);
        }

        if (archived is not null)
        {
            return archived;
        }

        // What could not be looked at might have conformed.
        return failures.Count > 0 ? Error([.. failures.DistinctBy(failure => (failure.Code, failure.Detail))]) : NonConformant(why);
    }

    private string Named(string separator) => string.Join(separator, Projects.Select(project => $"projects/{project}"));

    private CheckResult NonConformant(string why) => new(Conformance.NonConformant, Type, why)
    {
        Remedy = $"sign the image's payload with a key of the check, and create the attestation in {(Projects.Count == 0 ? "a project that the check names" : Named(" or "))}",
    };

    private CheckResult Error(IReadOnlyList<EvidenceFailure> failures) =>
        new(Conformance.Error, Type, string.Join("; ", failures.Select(failure => failure.Explanation))) { Failures = failures };
}
