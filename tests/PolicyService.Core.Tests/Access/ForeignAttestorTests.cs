using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Access;

/// <summary>An attestor that is not granted to a policy: nothing of it is looked at, and its denial comes before all others.</summary>
public sealed class ForeignAttestorTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>What is wrong with the attestor beside; none of it may show.</summary>
    public static TheoryData<string, string, string> Attestors => new()
    {
        { "it has no keys", "attestors/build.yaml", "name: projects/acme/attestors/build\nuserOwnedGrafeasNote: {noteReference: projects/acme/notes/build}\n" },
        { "it does not exist", "policy.yaml", "name: projects/acme/policy\ndefaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}\n" },
    };

    [Theory, MemberData(nameof(Attestors))]
    public void Denial_says_nothing_but_that_it_may_not_be_used(string name, string path, string document)
    {
        foreach (var image in new[] { "gcr.io/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "gcr.io/a/b:tag" })
        {
            var selection = Select(AccessRules.Nothing, image, path, document);
            var decision = Evaluator.Evaluate(selection, EvidenceSet.Empty, Now);

            Assert.Empty(selection.NeedEvidence);
            Assert.Equal((Verdict.Deny, Conformance.NonConformant), (decision.Verdict, decision.Conformance));
            var reason = Assert.Single(decision.Reasons);
            Assert.Equal("NO_PERMISSION", reason.Detail);
            Assert.True(reason.Text.EndsWith("denied by attestor projects/acme/attestors/build: the policy of project `shop` may not use it", StringComparison.Ordinal), name);
        }
    }

    [Theory, MemberData(nameof(Attestors))]
    public void Without_rules_of_access_it_is_judged(string name, string path, string document)
    {
        var decision = Evaluator.Evaluate(Select(null, "gcr.io/a/b:tag", path, document), EvidenceSet.Empty, Now);

        Assert.True(Assert.Single(decision.Reasons).Detail is "NO_DIGEST" or "", name);
    }

    private static Selection Select(AccessRules? access, string image, string path, string document)
    {
        const string Policy = "name: projects/shop/policy\ndefaultAdmissionRule: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [projects/acme/attestors/build]}\n";
        var files = new[]
        {
            DocumentFiles.Parse("projects/shop/policy.yaml", Encoding.UTF8.GetBytes(Policy)), DocumentFiles.Parse($"projects/acme/{path}", Encoding.UTF8.GetBytes(document)),
        };
        Assert.Empty(files.SelectMany(file => file.Problems));
        Assert.True(ImageReference.TryParse(image, out var reference));
        var selected = PolicySnapshot.Build(DocumentFiles.Assemble(files, []), generation: 1, access)
            .Select(new EvaluationRequest(reference, "a.b") { Project = "shop" }, new SnapshotAge(IsStale: false, TimeSpan.Zero, Now));
        return Assert.IsType<SelectionResult.Selected>(selected).Selection;
    }
}
