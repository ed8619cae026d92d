using System.Collections.Frozen;
using System.Text;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// What does a platform policy find about these pods? Asked of the engine, of a cluster that this policy alone binds, with the evidence and the
/// options in force: what a decision ends at before it comes to platform policies, a revoked digest above all, ends this too. The policy is the
/// one in the store now, so that who wrote it is answered by it at once.
/// </summary>
internal sealed class PlatformQuestion(SnapshotInForce inForce, EvidenceCollector collector, TimeProvider time)
{
    /// <summary>No cluster of anybody.</summary>
    private const string Cluster = "any.any";

    public async Task<EvaluateReply> AskAsync(StoredDocument document, IReadOnlyList<PodQuestion> pods, string caller, CancellationToken cancellation)
    {
        var policy = Parse(document);
        var version = inForce.Current ?? throw new InvalidOperationException("no documents were read before the first request");
        var snapshot = PolicySnapshot.Build(Documents(policy, version.Snapshot.Projects.GetValueOrDefault(policy.Name.Project)), generation: 0);
        var now = time.GetUtcNow();
        using var ending = new CancellationTokenSource(Core.Limits.DefaultDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, cancellation);
        var replies = new List<PodReply>();
        foreach (var pod in pods)
        {
            var images = new List<ImageReply>();
            foreach (var image in pod.Images)
            {
                images.Add(await JudgeAsync(version, snapshot, policy, pod, image, caller, now, either.Token));
            }

            replies.Add(new PodReply(pod.Name, pod.Namespace, pod.ServiceAccount, images));
        }

        return EvaluateReply.Of(replies);
    }

    /// <summary>The projects whose attestations the checks of a stored policy look at.</summary>
    public static IEnumerable<string> ProjectsOf(StoredDocument document) => ProjectsOf(Parse(document));

    /// <summary>The projects whose attestations the checks of a policy look at.</summary>
    public static IEnumerable<string> ProjectsOf(PlatformPolicy? policy) => (policy?.CheckSets ?? [])
        .SelectMany(set => set.Checks).OfType<SimpleSigningCheck>().SelectMany(check => check.Projects).Distinct(StringComparer.Ordinal);

    private static PlatformPolicy Parse(StoredDocument document) =>
        DocumentFiles.Parse(document.Key.Path!, Encoding.UTF8.GetBytes(document.Content)).Content as PlatformPolicy
            ?? throw new InvalidOperationException("the store has a platform policy that cannot be read");

    private async Task<ImageReply> JudgeAsync(
        PolicyVersion version,
        PolicySnapshot snapshot,
        PlatformPolicy policy,
        PodQuestion pod,
        ImageReference image,
        string caller,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var request = new EvaluationRequest(image, Cluster) { Namespace = pod.Namespace, ServiceAccount = pod.ServiceAccount };
        if (snapshot.Select(request, version.AgeAt(now)) is not SelectionResult.Selected { Selection: var selection })
        {
            throw new InvalidOperationException("one project was not found");
        }

        if (selection is { IsEnded: true, Settled: { } settled })
        {
            return ImageReply.Of(image, settled);
        }

        var evidence = await collector.CollectAsync(version.Snapshot, selection, version.ReadAt, version.ContentVersion, caller, now, cancellation);
        return ImageReply.Of(image, PlatformEvaluation.Judge(policy, request, evidence, now));
    }

    /// <param name="policy">The policy.</param>
    /// <param name="project">Its project as it is in force, for its options; null: it has no documents in force.</param>
    private static DocumentSet Documents(PlatformPolicy policy, ProjectSnapshot? project)
    {
        var binding = new ClusterBinding(policy.Name.Project, Platform.Gke, [new PlatformPolicyBinding(policy.Name, BindingMode.Enforce)]);
        return new DocumentSet
        {
            Clusters = new ClusterBindings { Clusters = FrozenDictionary<string, ClusterBinding>.Empty, Default = binding },
            Projects =
            [
                new ProjectDocuments
                {
                    Id = policy.Name.Project,
                    PlatformPolicies = [policy],
                    Options = project?.Options ?? ProjectOptions.Default,
                    OptionsRefused = project?.OptionsRefused ?? false,
                    Policy = new Policy
                    {
                        Project = policy.Name.Project,
                        Etag = "",
                        UsesSystemPolicy = false,
                        Allowlist = NamePatternSet.Empty,
                        SpecificScope = RuleScope.Default,
                        SpecificRules = FrozenDictionary<string, AdmissionRule>.Empty,
                        DefaultRule = new AdmissionRule(RuleScope.Default, "", EvaluationMode.AlwaysAllow, EnforcementMode.Enforce, []),
                    },
                },
            ],
        };
    }
}
