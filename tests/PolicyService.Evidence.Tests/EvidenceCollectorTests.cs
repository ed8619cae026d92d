using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;

namespace PolicyService.Evidence.Tests;

public sealed class EvidenceCollectorTests
{
    private const string Registry = "registries: [{host: a.test}]";
    private const string ContainerAnalysis = "containerAnalysis: {endpoint: 'https://containeranalysis.test', projects: [acme]}";

    private readonly Evaluation _evaluation = new();

    public static TheoryData<string, string> Unreachable => new()
    {
        { Registry, "Deny: EvidenceUnavailable REGISTRY:NOT_FETCHED" },
        { ContainerAnalysis, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NOT_FETCHED" },
        { $"{Registry}\n{ContainerAnalysis}", "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NOT_FETCHED, EvidenceUnavailable REGISTRY:NOT_FETCHED" },
        // An image's author can bring it about, so it never fails open.
        { $"{Registry}\nfailMode: OPEN", "Deny: EvidenceUnavailable REGISTRY:NOT_FETCHED" },
    };

    /// <summary>Policies and images whose answer needs no evidence.</summary>
    public static TheoryData<string, string, string> Settled => new()
    {
        { "allowlisted", $"admissionWhitelistPatterns: [{{namePattern: a.test/i*}}]\n{new Evaluation().Policy}", "Allow: Allowlisted" },
        { "always allowed", "defaultAdmissionRule: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}", "Allow: AlwaysAllow" },
        { "always denied", "defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}", "Deny: AlwaysDeny" },
        { "without digest", new Evaluation().Policy, "Deny: DeniedByAttestor NO_DIGEST" },
        { "revoked", new Evaluation().Policy, "Deny: Revoked" },
        { "a dangling attestor", new Evaluation().Policy.Replace("attestors/qa", "attestors/nobody", StringComparison.Ordinal), "Deny: PolicyConfigError" },
    };

    [Fact]
    public async Task Attested_image_is_allowed_with_the_time_of_its_evidence()
    {
        _evaluation.Stored = [Good()];

        var (evidence, decision) = await _evaluation.AskAsync();

        Assert.Equal(Verdict.Allow, decision.Verdict);
        Assert.Equal(ReasonCode.Attested, Assert.Single(decision.Reasons).Code);
        Assert.Equal(Attestations.Start, evidence.Time);
        Assert.Equal([_evaluation.Stored[0].PayloadHash], decision.Evidence);
    }

    [Fact]
    public async Task Image_without_attestation_is_denied() =>
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());

    [Theory, MemberData(nameof(Unreachable))]
    [Trait("attack", "83")]
    public async Task Source_that_cannot_be_read_is_an_error_and_never_an_absence(string options, string answer)
    {
        _evaluation.Options = options;

        Assert.Equal(answer, await _evaluation.AnswerAsync());

        // Nor does it hide behind an attestation that does not count, or keep out one that does.
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload, flipped: true))];
        Assert.Equal(answer, await _evaluation.AnswerAsync());
        _evaluation.Stored = [Good()];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    [Theory]
    [InlineData("evidenceSources: [GRAFEAS]\n" + Registry)]
    [InlineData("evidenceSources: [INLINE]\n" + Registry + "\n" + ContainerAnalysis)]
    [InlineData("evidenceSources: [REGISTRY]\n" + ContainerAnalysis)]
    public async Task Source_that_the_attestor_does_not_take_is_not_missed(string options)
    {
        _evaluation.Options = options;

        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
    }

    [Theory, MemberData(nameof(Settled))]
    [Trait("attack", "87")]
    public async Task Settled_image_collects_nothing(string name, string policy, string answer)
    {
        _evaluation.Policy = policy;
        _evaluation.Stored = [Good()];
        _evaluation.Options = name == "revoked"
            ? $"{Registry}\nrevocations: [{{digest: '{Attestations.Image}', reason: r, author: a}}]"
            : $"{Registry}\n{ContainerAnalysis}";
        _evaluation.Image = name == "without digest" ? "a.test/i:1" : _evaluation.Image;

        var (evidence, decision) = await _evaluation.AskAsync();

        Assert.Same(EvidenceSet.Empty, evidence);
        Assert.Equal(0, _evaluation.Check.Count);
        Assert.Null(decision.EvidenceTime);
        Assert.Equal(answer, await _evaluation.AnswerAsync());
    }

    [Fact]
    public async Task Time_that_has_run_out_is_a_failure_and_no_absence()
    {
        using var ended = new CancellationTokenSource();
        await ended.CancelAsync();
        _evaluation.Stored = [Good()];
        _evaluation.Options = "failMode: OPEN";

        Assert.Equal("Deny: Deadline VERIFICATION", await _evaluation.AnswerAsync(ended.Token));
        Assert.Equal(0, _evaluation.Check.Count);
    }

    [Fact]
    public async Task Time_that_runs_out_on_the_way_keeps_what_was_found()
    {
        using var ending = new CancellationTokenSource();
        _evaluation.Check.OnVerify = number => End(number == 3);
        _evaluation.Stored = [.. Enumerable.Range(0, 10).Select(number => Attestations.Of([(byte)number], Attestations.Garbage(_evaluation.Key.Id, number)))];

        var (evidence, decision) = await _evaluation.AskAsync(ending.Token);

        Assert.Equal(3, evidence.Of(Evaluation.Attestor).Facts.Count);
        Assert.Equal(ReasonCode.Deadline, Assert.Single(decision.Reasons).Code);
        Assert.Equal(3, _evaluation.Check.Count);

        void End(bool now)
        {
            if (now)
            {
                ending.Cancel();
            }
        }
    }

    [Fact]
    public async Task Attestation_found_before_the_time_ran_out_counts()
    {
        using var ending = new CancellationTokenSource();
        _evaluation.Check.OnVerify = _ => ending.Cancel();
        _evaluation.Stored = [Good(), Attestations.Of([1], Attestations.Garbage(_evaluation.Key.Id, 1))];

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync(ending.Token));
    }

    [Fact]
    [Trait("attack", "86")]
    public async Task Eight_containers_of_one_image_cause_one_verification()
    {
        _evaluation.Stored = [Good()];

        for (var container = 0; container < 8; container++)
        {
            Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        }

        Assert.Equal(1, _evaluation.Check.Count);
    }

    [Fact]
    [Trait("attack", "93")]
    public async Task Key_removed_counts_no_more_at_once_though_its_signature_is_remembered()
    {
        _evaluation.Keys = [new TestKey(), new TestKey()];
        _evaluation.Stored = [Good()];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        var keys = _evaluation.Keys;

        _evaluation.Keys = [keys[1]];
        Assert.Equal("Deny: DeniedByAttestor KEY_UNKNOWN", await _evaluation.AnswerAsync());

        _evaluation.Keys = keys;
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Equal(1, _evaluation.Check.Count);
    }

    [Fact]
    [Trait("attack", "93")]
    public async Task Attestation_deleted_counts_no_more_at_once_though_its_signature_is_remembered()
    {
        _evaluation.Stored = [Good()];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());

        _evaluation.Stored = [];

        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
    }

    [Fact]
    [Trait("attack", "91")]
    public async Task Remembered_attestation_is_judged_anew_for_every_image_and_option()
    {
        _evaluation.Stored = [Good()];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());

        _evaluation.Options = "bindRepository: true";
        _evaluation.Image = $"a.test/elsewhere@{Attestations.Image}";
        Assert.Equal("Deny: DeniedByAttestor REFERENCE_MISMATCH", await _evaluation.AnswerAsync());

        _evaluation.Options = "maxAttestationAge: 30m";
        Assert.Equal("Deny: DeniedByAttestor EXPIRED", await _evaluation.AnswerAsync());
        Assert.Equal(1, _evaluation.Check.Count);
    }

    private Attestation Good() => Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload));
}
