using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Cases;

/// <summary>Asks Core the question of a case folder, the way a server does: parse, select, collect, evaluate.</summary>
internal static class CaseRun
{
    public static CaseAnswer Ask(CaseFolder folder) => Ask(folder, folder.Request(), folder.Documents());

    /// <summary>Asks another question of other documents, with the time and the facts of the case.</summary>
    public static CaseAnswer Ask(CaseFolder folder, CaseRequest asked, IReadOnlyDictionary<string, byte[]> documents)
    {
        var facts = folder.Question.Facts ?? new CaseFacts();
        if (!TryRead(asked, facts.Grants ?? new CaseGrants(), out var request, out var field))
        {
            return Invalid(field);
        }

        var now = folder.Question.EvaluateTime;
        var snapshot = Snapshot(documents);
        return snapshot.Select(request, AgeOf(facts.SnapshotAge, now)) switch
        {
            SelectionResult.Selected { Selection: var selection } => AnswerOf(Evaluator.Evaluate(selection, Evidence(snapshot, selection, facts), now)),
            SelectionResult.Invalid invalid => Invalid(invalid.Field),
            var other => throw new InvalidOperationException(other.GetType().Name),
        };
    }

    public static PolicySnapshot Snapshot(IReadOnlyDictionary<string, byte[]> documents)
    {
        var files = documents.Select(document => DocumentFiles.Parse(document.Key, document.Value)).ToArray();
        return PolicySnapshot.Build(DocumentFiles.Assemble(files, new List<DocumentProblem>()), generation: 1);
    }

    /// <summary>The local evidence, and the failures the case supplies.</summary>
    public static EvidenceSet Evidence(PolicySnapshot snapshot, Selection selection, CaseFacts facts)
    {
        var failures = (facts.Failures ?? []).ToLookup(failure => failure.Attestor, ToFailure);
        Assert.All(failures, group => Assert.Contains(selection.Attestors, required => required.Name.ToString() == group.Key));
        var evidence = selection.NeedEvidence.ToDictionary(required => required.Name, required =>
        {
            var local = LocalEvidence.Collect(snapshot, selection, required, selection.Request.Image.Digest!.Value, [], NoKeyService, AttestationVerifier.VerifySignature, TestContext.Current.CancellationToken);
            return local with { Failures = [.. local.Failures, .. failures[required.Name.ToString()]] };
        });
        return new EvidenceSet(evidence, null)
        {
            Authenticators = selection.NeedChecks.SelectMany(check => check.Authenticators.Select(authenticator => (check, authenticator))).ToDictionary(
                one => one.authenticator,
                one => LocalEvidence.Collect(snapshot, selection, one.check, one.authenticator, [], NoKeyService, AttestationVerifier.VerifySignature, TestContext.Current.CancellationToken)),
        };
    }

    private static KeyResolution NoKeyService(RemoteKey key) => new KeyResolution.Missing(KeyFailure.NotFetched);

    private static bool TryRead(CaseRequest asked, CaseGrants grants, out EvaluationRequest request, out string field)
    {
        request = null!;
        var identity = "";
        ImageReference? image = null;
        field = !WorkloadNames.IsCluster(asked.Cluster) ? "cluster"
            : asked.Project.Length > 0 && !ResourceNames.IsProject(asked.Project) ? "project"
            : asked.Namespace.Length > 0 && !WorkloadNames.IsLabel(asked.Namespace) ? "namespace"
            : asked.ServiceAccount.Length > 0 && !WorkloadNames.IsSubdomain(asked.ServiceAccount) ? "service_account"
            : !ImageReference.TryParse(asked.ImageDigest, out image) ? "image_digest"
            : asked.IstioIdentity.Length > 0 && !WorkloadNames.TryNormalizeIstioIdentity(asked.IstioIdentity, out identity) ? "istio_identity"
            : "";
        if (field.Length > 0)
        {
            return false;
        }

        request = new EvaluationRequest(image!, asked.Cluster)
        {
            Project = asked.Project,
            Namespace = asked.Namespace,
            ServiceAccount = asked.ServiceAccount,
            IstioIdentity = identity ?? "",
            Labels = asked.Labels,
            Annotations = asked.Annotations,
            BreakGlass = asked.BreakGlass is { } marker ? new BreakGlassRequest(marker.Justification) : null,
            Attestations = [.. asked.Attestations.Select(ToInline)],
            Grants = new CallerGrants(grants.BreakGlass, grants.InlineAttestations),
            Preview = asked.Preview,
            Explain = asked.Explain,
        };
        return true;
    }

    private static InlineAttestation ToInline(CaseInlineAttestation sent)
    {
        Assert.True(AttestorName.TryParse(sent.Attestor, out var attestor), sent.Attestor);
        Assert.True(KeyId.TryParse(sent.PublicKeyId, out var keyId), sent.PublicKeyId);
        var attestation = new Attestation(sent.SerializedPayload, [new AttestationSignature(keyId, sent.Signature)]) { Source = EvidenceSource.Inline };
        return new InlineAttestation(attestor, attestation);
    }

    private static EvidenceFailure ToFailure(CaseFailure failure)
    {
        var code = Enum.GetValues<ReasonCode>().Single(value => ReasonNames.Of(value) == failure.Code);
        return new EvidenceFailure(code, failure.Detail, "as the case supplies it", failure.OwnFault);
    }

    private static SnapshotAge AgeOf(CaseSnapshotAge? age, DateTimeOffset now)
    {
        if (age is null)
        {
            return new SnapshotAge(false, TimeSpan.Zero, now);
        }

        Assert.True(ValueParsers.Duration(age.Age, out var duration, out _), age.Age);
        return new SnapshotAge(age.Stale, duration, now - duration);
    }

    private static CaseAnswer Invalid(string field) => new() { Error = new CaseError("INVALID_ARGUMENT", field) };

    private static CaseAnswer AnswerOf(Decision decision) => new()
    {
        Verdict = NameOf(decision.Verdict),
        Conformance = NameOf(decision.Conformance),
        Reasons = [.. decision.Reasons.Select(ReasonOf)],
        BreakGlass = decision.BreakGlass,
        FailMode = decision.FailMode switch { FailMode.Unspecified => null, FailMode.Open => "OPEN", _ => "CLOSED" },
        Stale = decision.Stale ? true : null,
        OverriddenVerdict = decision.OverriddenVerdict is Verdict.Unspecified ? null : NameOf(decision.OverriddenVerdict),
        OverriddenConformance = decision.OverriddenConformance is Conformance.Unspecified ? null : NameOf(decision.OverriddenConformance),
    };

    private static CaseReason ReasonOf(Reason reason) => new()
    {
        Code = ReasonNames.Of(reason.Code),
        Detail = OrNull(reason.Detail),
        Text = reason.Text,
        Attestor = OrNull(reason.Attestor),
        KeyId = OrNull(reason.KeyId),
        Check = OrNull(reason.Check),
        Remedy = OrNull(reason.Remedy),
    };

    private static string NameOf(Verdict verdict) => verdict switch
    {
        Verdict.Allow => "ALLOW",
        Verdict.Deny => "DENY",
        Verdict.DryRun => "DRYRUN",
        _ => "UNSPECIFIED",
    };

    private static string NameOf(Conformance conformance) => conformance switch
    {
        Conformance.Conformant => "CONFORMANT",
        Conformance.NonConformant => "NON_CONFORMANT",
        Conformance.Error => "ERROR",
        _ => "UNSPECIFIED",
    };

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
