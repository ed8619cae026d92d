using System.Globalization;
using System.Text;
using CsCheck;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

/// <summary>What a caller may fall back on: never more than the service would admit.</summary>
public sealed class PostureTests
{
    private const string Cluster = "dc1.edge";
    private const string Dry = "{evaluationMode: ALWAYS_DENY, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}";
    private const string Free = "{evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}";
    private const string Shut = "{evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}";
    private const string Revoked = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Checks = "gkePolicy: {checkSets: [{displayName: all, checks: [{displayName: no, alwaysDeny: true}]}]}\n";

    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SnapshotAge Fresh = new(false, TimeSpan.Zero, Now);

    /// <summary>What is enforced, and by which documents.</summary>
    public static TheoryData<string, string> Enforced => new()
    {
        { "nothing at all", "" },
        { "no policy", "options.yaml=bindRepository: true" },
        { "default rule", "policy.yaml=" + Policy(Shut) },
        { "rule of the cluster", "policy.yaml=" + Policy(Dry, $"clusterAdmissionRules: {{{Cluster}: {Shut}}}") },
        { "rule of a namespace", "policy.yaml=" + Policy(Dry, $"kubernetesNamespaceAdmissionRules: {{one: {Dry}, two: {Shut}}}") },
        { "default beside a namespace", "policy.yaml=" + Policy(Shut, $"kubernetesNamespaceAdmissionRules: {{one: {Dry}}}") },
        { "rule of a service account", "policy.yaml=" + Policy(Dry, $"kubernetesServiceAccountAdmissionRules: {{'one:app': {Shut}}}") },
        { "rule of an identity", "policy.yaml=" + Policy(Dry, $"istioServiceIdentityAdmissionRules: {{'d.example/ns/one/sa/app': {Shut}}}") },
        { "binding", "policy.yaml=" + Policy(Dry) + "|platforms/gke/p.yaml=" + Checks + $"|clusters.yaml=clusters: {{{Cluster}: {{project: p, platform: GKE, platformPolicies: [{{name: projects/p/platforms/gke/policies/p, mode: ENFORCE}}]}}}}" },
        { "binding of the default", "policy.yaml=" + Policy(Dry) + "|clusters.yaml=default: {project: p, platform: GKE, platformPolicies: [{name: projects/p/platforms/gke/policies/p, mode: ENFORCE}]}" },
        { "unknown cluster", "policy.yaml=" + Policy(Dry) + "|clusters.yaml=clusters: {dc1.other: {project: p, platform: GKE, platformPolicies: [{name: projects/p/platforms/gke/policies/p, mode: ENFORCE}]}}" },
        { "options unreadable", "policy.yaml=" + Policy(Dry) + "|options.yaml=bindRepository: perhaps" },
        { "clusters unreadable", "policy.yaml=" + Policy(Dry) + "|clusters.yaml=clusters: 7" },
    };

    /// <summary>What is not enforced, and by which documents.</summary>
    public static TheoryData<string, string> Lax => new()
    {
        { "default rule", "policy.yaml=" + Policy(Dry) },
        { "everything allowed", "policy.yaml=" + Policy(Free) },
        { "rule of the cluster before an enforced default", "policy.yaml=" + Policy(Shut, $"clusterAdmissionRules: {{{Cluster}: {Dry}}}") },
        { "rule of another cluster", "policy.yaml=" + Policy(Dry, $"clusterAdmissionRules: {{dc1.other: {Shut}}}") },
        { "rules of namespaces", "policy.yaml=" + Policy(Free, $"kubernetesNamespaceAdmissionRules: {{one: {Dry}}}") },
        { "binding in dry run", "policy.yaml=" + Policy(Dry) + $"|clusters.yaml=clusters: {{{Cluster}: {{project: p, platform: GKE, platformPolicies: [{{name: projects/p/platforms/gke/policies/p, mode: DRYRUN}}]}}}}" },
        { "binding that monitors", "policy.yaml=" + Policy(Dry) + $"|clusters.yaml=clusters: {{{Cluster}: {{project: p, platform: GKE, platformPolicies: [{{name: projects/p/platforms/gke/policies/p}}]}}}}" },
    };

    [Theory, MemberData(nameof(Enforced))]
    public void Cluster_is_enforced(string name, string files) => Assert.False(Of(Snapshot(files), Fresh).IsDryRun, name);

    [Theory, MemberData(nameof(Lax))]
    public void Cluster_is_in_dry_run(string name, string files) => Assert.True(Of(Snapshot(files), Fresh).IsDryRun, name);

    [Fact]
    public void Documents_that_are_too_old_are_enforced()
    {
        var snapshot = Snapshot("policy.yaml=" + Policy(Dry) + "|options.yaml=maxSnapshotAge: 1h");

        Assert.Equal((true, TimeSpan.FromHours(1)), Of(snapshot, new SnapshotAge(true, TimeSpan.FromHours(1), Now)) is var young ? (young.IsDryRun, young.MaxAge) : default);
        Assert.False(Of(snapshot, new SnapshotAge(true, TimeSpan.FromHours(1.01), Now)).IsDryRun);
    }

    [Fact]
    public void Project_that_is_not_named_among_several_is_no_posture()
    {
        var snapshot = Snapshot("policy.yaml=" + Policy(Dry) + "|projects/q/policy.yaml=" + Policy(Dry).Replace("projects/p", "projects/q", StringComparison.Ordinal));

        Assert.False(snapshot.TryFindPosture(Cluster, "", Fresh, CallerGrants.All, out var posture, out _));
        Assert.False(posture.IsDryRun);
    }

    [Fact]
    public void Revoked_digests_are_told_and_too_many_enforce()
    {
        Assert.Equal([Revoked], Of(Snapshot("policy.yaml=" + Policy(Dry) + "|options.yaml=" + Revocations(1)), Fresh).RevokedDigests);
        Assert.Equal((true, 10_000), Of(Snapshot("policy.yaml=" + Policy(Dry) + "|options.yaml=" + Revocations(10_000)), Fresh) is var many ? (many.IsDryRun, many.RevokedDigests.Count) : default);
        Assert.Equal((false, 0), Of(Snapshot("policy.yaml=" + Policy(Dry) + "|options.yaml=" + Revocations(10_001)), Fresh) is var tooMany ? (tooMany.IsDryRun, tooMany.RevokedDigests.Count) : default);
    }

    [Fact]
    public void Break_glass_is_honoured_from_whom_it_is_granted_to_unless_a_grant_is_demanded()
    {
        var snapshot = Snapshot("policy.yaml=" + Policy(Shut));

        Assert.True(Of(snapshot, Fresh).HonoursBreakGlass);
        Assert.False(Of(snapshot, Fresh, CallerGrants.None).HonoursBreakGlass);
        Assert.False(Of(Snapshot("policy.yaml=" + Policy(Shut) + "|options.yaml=breakGlass: {requireGrant: true}"), Fresh).HonoursBreakGlass);
        Assert.False(Of(Snapshot("policy.yaml=" + Policy(Shut) + "|options.yaml=bindRepository: perhaps"), Fresh).HonoursBreakGlass);
    }

    [Fact, Trait("attack", "104")]
    public void What_is_in_dry_run_is_never_denied_but_for_a_revocation()
    {
        var (dry, enforced, revoked) = (0, 0, 0);
        Documents.Sample(
            (files, age) =>
            {
                var snapshot = Snapshot(files);
                var aged = new SnapshotAge(age > 0, TimeSpan.FromHours(age), Now);
                if (!Of(snapshot, aged).IsDryRun)
                {
                    enforced++;
                    return;
                }

                dry++;
                foreach (var request in Requests())
                {
                    var selected = Assert.IsType<SelectionResult.Selected>(snapshot.Select(request, aged));
                    var decision = Evaluator.Evaluate(selected.Selection, EvidenceSet.Empty, Now);
                    var isRevoked = decision.Reasons is [{ Code: ReasonCode.Revoked }];
                    revoked += isRevoked ? 1 : 0;
                    Assert.True(decision.Verdict is not Verdict.Deny || isRevoked, $"{request} by {files}");
                }
            },
            iter: 3000);
        Assert.True(dry > 100 && enforced > 100 && revoked > 0, $"{dry} {enforced} {revoked}");
    }

    /// <summary>Documents of one project, and hours since their source last answered.</summary>
    private static Gen<(string Files, int Age)> Documents
    {
        get
        {
            var rule = Gen.OneOf(Dry, Dry, Free, Shut, "{evaluationMode: REQUIRE_ATTESTATION, enforcementMode: DRYRUN_AUDIT_LOG_ONLY, requireAttestationsBy: [projects/p/attestors/gone]}");
            var map = Gen.Select(rule, rule, Gen.Int[0, 5]).Select((one, two, kind) => kind switch
            {
                0 => $"clusterAdmissionRules: {{{Cluster}: {one}, dc1.other: {two}}}",
                1 => $"clusterAdmissionRules: {{dc1.other: {one}}}",
                2 => $"kubernetesNamespaceAdmissionRules: {{one: {one}, two: {two}}}",
                3 => $"kubernetesServiceAccountAdmissionRules: {{'one:app': {one}, 'two:app': {two}}}",
                4 => $"istioServiceIdentityAdmissionRules: {{'d.example/ns/one/sa/app': {one}}}",
                _ => "",
            });
            var policy = Gen.Select(rule, map, Gen.Bool).Select((standard, specific, global) => "|policy.yaml=" + Policy(standard, specific + (global ? "\nglobalPolicyEvaluationMode: ENABLE" : "")));
            var mode = Gen.OneOf("MONITOR", "DRYRUN", "ENFORCE");
            var bound = Gen.Select(mode, Gen.OneOf("p", "gone")).Select((how, name) => $"platformPolicies: [{{name: projects/p/platforms/gke/policies/{name}, mode: {how}}}]");
            var clusters = Gen.Select(bound, Gen.OneOf("GKE", "ON_PREM"), Gen.Int[0, 4]).Select((policies, platform, kind) => kind switch
            {
                0 => $"|clusters.yaml=clusters: {{{Cluster}: {{project: p, platform: {platform}, {policies}}}}}",
                1 => $"|clusters.yaml=default: {{project: p, platform: {platform}, {policies}}}",
                2 => $"|clusters.yaml=clusters: {{dc1.other: {{project: p, platform: {platform}, {policies}}}}}",
                3 => $"|clusters.yaml=clusters: {{{Cluster}: {{project: p, platform: CLOUD_RUN}}}}",
                _ => "",
            });
            var options = Gen.OneOf("", "", "|options.yaml=" + Revocations(1), "|options.yaml=maxSnapshotAge: 2h", "|options.yaml=failMode: {ON_PREM: OPEN}", "|options.yaml=bindRepository: perhaps");
            return Gen.Select(policy, clusters, options, Gen.Int[0, 3]).Select((a, b, c, age) => ((a + b + c + "|platforms/gke/p.yaml=" + Checks)[1..], age));
        }
    }

    private static IEnumerable<EvaluationRequest> Requests() =>
        from image in (string[])["r.example/a:1", $"r.example/a@{Revoked}", $"r.example/a@sha256:{new string('a', 64)}", Revoked]
        from space in (string[])["", "one", "two", "three"]
        from account in (string[])["", "app", "other"]
        select new EvaluationRequest(ImageReference.TryParse(image, out var parsed, out _) ? parsed : throw new InvalidOperationException(image), Cluster)
        {
            Namespace = space,
            ServiceAccount = account,
            IstioIdentity = space.Length > 0 && account.Length > 0 ? $"d.example/ns/{space}/sa/{account}" : "",
        };

    private static Posture Of(PolicySnapshot snapshot, SnapshotAge age, CallerGrants? grants = null) =>
        snapshot.TryFindPosture(Cluster, "", age, grants ?? CallerGrants.All, out var posture, out var problem) ? posture : throw new InvalidOperationException(problem);

    private static string Policy(string standard, string more = "") => $"name: projects/p/policy\ndefaultAdmissionRule: {standard}\n{more}\n";

    private static string Revocations(int count)
    {
        var text = new StringBuilder($"revocations: [{{digest: '{Revoked}', reason: r, author: a}}");
        for (var index = 1; index < count; index++)
        {
            text.Append(CultureInfo.InvariantCulture, $", {{digest: 'sha256:{index:x64}', reason: r, author: a}}");
        }

        return text.Append("]\n").ToString();
    }

    private static PolicySnapshot Snapshot(string files) => PolicySnapshot.Build(
        DocumentFiles.Assemble([.. files.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(file => Reading.Of(file.Split('=', 2)[0], file.Split('=', 2)[1]))], []), generation: 1);
}
