using System.Collections.Frozen;
using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Verification;
using PolicyService.Server.Access;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// Would this attestation satisfy its attestor? Asked of the engine: of a policy that requires this attestor, where nothing but this
/// attestation is stored. So the answer is that of a decision.
/// </summary>
internal sealed class AttestationQuestion(SnapshotInForce inForce, PublicKeyCache keys, TimeProvider time)
{
    /// <summary>No cluster of anybody; the policy has a default rule only.</summary>
    private const string Cluster = "any.any";

    public async Task<ValidateReply> AskAsync(StoredDocument document, ValidateRequest request, CancellationToken cancellation)
    {
        if (DocumentFiles.Parse(document.Key.Path!, Encoding.UTF8.GetBytes(document.Content)).Content is not Attestor attestor)
        {
            return ValidateReply.NotVerifiable("the attestor as it is stored cannot be read: write it anew");
        }

        if (attestor.Note != request.Note)
        {
            return ValidateReply.NotVerifiable($"attestations of {attestor.Name} hang on {attestor.Note}, not on {request.Note}");
        }

        if (!ImageReference.TryParse(request.Resource, out var image))
        {
            return ValidateReply.NotVerifiable("the resource is no image");
        }

        var now = time.GetUtcNow();
        var snapshot = PolicySnapshot.Build(Documents(attestor, request, now), generation: 0);
        var selected = snapshot.Select(new EvaluationRequest(image, Cluster), new SnapshotAge(IsStale: false, TimeSpan.Zero, now));
        if (selected is not SelectionResult.Selected { Selection: var selection })
        {
            throw new InvalidOperationException("one project was not found");
        }

        // Without the store, whose attestations are not asked about; and with a memory of its own: callers could fill that of the decisions.
        var evidence = await new EvidenceCollector(new VerifiedSignatures(), keys).CollectAsync(snapshot, selection, now, storeVersion: 0, Caller.Anonymous.Name, now, cancellation);
        var decision = Evaluator.Evaluate(selection, evidence, now);
        return decision is { Verdict: Verdict.Allow, Conformance: Conformance.Conformant }
            ? ValidateReply.Verified
            : ValidateReply.NotVerifiable(string.Join("; ", decision.Reasons.Select(reason => $"{(reason.Detail.Length > 0 ? reason.Detail : ReasonNames.Of(reason.Code))}: {reason.Text}")));
    }

    /// <summary>The options are those in force, revocations among them: a decision would see them too.</summary>
    private DocumentSet Documents(Attestor attestor, ValidateRequest request, DateTimeOffset now)
    {
        var project = inForce.Current?.Snapshot.Projects.GetValueOrDefault(attestor.Name.Project);
        return new DocumentSet
        {
            Projects =
            [
                new ProjectDocuments
                {
                    Id = attestor.Name.Project,
                    Policy = Requiring(attestor.Name),
                    Attestors = [attestor],
                    Attestations = [.. request.Attestations.Select(attestation => SeenAt(attestation, now))],
                    // Only this attestation is asked about: nothing is looked for elsewhere.
                    Options = (project?.Options ?? ProjectOptions.Default) with { ContainerAnalysis = null },
                    OptionsRefused = project?.OptionsRefused ?? false,
                },
            ],
        };
    }

    private static Policy Requiring(AttestorName attestor) => new()
    {
        Project = attestor.Project,
        Etag = "",
        UsesSystemPolicy = false,
        Allowlist = NamePatternSet.Empty,
        SpecificScope = RuleScope.Default,
        SpecificRules = FrozenDictionary<string, AdmissionRule>.Empty,
        DefaultRule = new AdmissionRule(RuleScope.Default, "", EvaluationMode.RequireAttestation, EnforcementMode.Enforce, [attestor]),
    };

    /// <summary>Stored now, it would be seen now for the first time.</summary>
    private static Attestation SeenAt(Attestation attestation, DateTimeOffset now) => new(attestation.Payload.ToArray(), attestation.Signatures)
    {
        Source = attestation.Source,
        Note = attestation.Note,
        ResourceDigest = attestation.ResourceDigest,
        FirstSeen = now,
    };
}
