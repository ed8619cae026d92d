using System.Text;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>When signatures beside an image are looked for, how long what was found counts, and what stands for it while the registry is down.</summary>
public sealed partial class RegistryEvidenceTests : IAsyncDisposable
{
    private const string Listed = "registries: [{host: a.test}]\n";
    private const string Allowed = "Allow: Attested";
    private const string Denied = "Deny: DeniedByAttestor NO_ATTESTATION";

    private readonly FakeTimeProvider _clock = new(Attestations.Start.AddHours(1));
    private readonly FakeArchive _kept = new();
    private readonly EvidenceArchive _archive;
    private readonly Evaluation _evaluation = new() { Options = Listed };
    private readonly List<(RegistryQuestion Question, bool IsAgain)> _looks = [];
    private RemoteList _answer = new([], false, default);
    private Task _gate = Task.CompletedTask;
    private RemoteItem? _occurrence;

    public RegistryEvidenceTests()
    {
        var metrics = new RemoteMetrics();
        _archive = new EvidenceArchive(_kept, metrics, _clock);
        _evaluation.Remote = new RemoteAnswers(LookAsync, new SharedEvidence(null, null, new CacheCounters(), _clock), metrics, _clock, archive: _archive);
    }

    public static TheoryData<RemoteFailure> Failures => [.. RemoteFailures.All.Where(failure => failure is not (RemoteFailure.None or RemoteFailure.Deadline))];

    public ValueTask DisposeAsync() => _archive.DisposeAsync();

    [Fact]
    public async Task Signature_beside_the_image_satisfies_an_attestor_that_takes_registries()
    {
        Has(Signature());
        Assert.Equal(Allowed, await AnswerAsync());
        Assert.Equal("a.test/i", Assert.Single(_looks).Question.Repository.ToString());

        _evaluation.Options = $"{Listed}attestors: {{projects/acme/attestors/qa: {{evidenceSources: [REGISTRY]}}}}";
        Assert.Equal(Allowed, await AnswerAsync());
        _evaluation.Options = $"{Listed}evidenceSources: [GRAFEAS]";
        Assert.Equal(Denied, await AnswerAsync());
        Assert.Single(_looks);
    }

    [Theory]
    [InlineData("evidenceSources: [REGISTRY]", "it needs one as a cosign signature beside the image signed by key ", "cosign sign --key KEY a.test/i@")]
    [InlineData("", "it needs one under projects/acme/notes/qa, or a cosign signature beside the image, signed by key ", "policyctl payload a.test/i@")]
    public async Task Denial_says_which_signature_is_missing_and_how_to_make_it(string options, string text, string remedy)
    {
        _evaluation.Options = Listed + options;
        _evaluation.Now = _clock.GetUtcNow();
        var reason = Assert.Single((await _evaluation.AskAsync()).Decision.Reasons);

        Assert.Contains(text, reason.Text, StringComparison.Ordinal);
        Assert.StartsWith(remedy, reason.Remedy, StringComparison.Ordinal);
    }

    [Theory, Trait("attack", "87")]
    [InlineData("a host that is not listed", "b.test/i@DIGEST", Listed)]
    [InlineData("a port that is not listed", "a.test:5000/i@DIGEST", Listed)]
    [InlineData("a bare digest", "DIGEST", Listed)]
    [InlineData("an attestor that takes no registry", "a.test/i@DIGEST", $"{Listed}evidenceSources: [GRAFEAS, INLINE]")]
    [InlineData("no registry listed", "a.test/i@DIGEST", "evidenceSources: [GRAFEAS, REGISTRY]")]
    public async Task Nobody_is_asked_for(string what, string image, string options)
    {
        Has(Signature());
        _evaluation.Image = image.Replace("DIGEST", Attestations.Image.ToString(), StringComparison.Ordinal);
        _evaluation.Options = options;

        Assert.True(await AnswerAsync() == Denied, what);
        Assert.Empty(_looks);
    }

    [Theory, Trait("attack", "87")]
    [InlineData("allowlisted", "admissionWhitelistPatterns: [{namePattern: a.test/i*}]\ndefaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}", "Allow: Allowlisted")]
    [InlineData("always allowed", "defaultAdmissionRule: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}", "Allow: AlwaysAllow")]
    [InlineData("always denied", "defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}", "Deny: AlwaysDeny")]
    public async Task Image_settled_without_evidence_causes_no_network(string name, string policy, string answer)
    {
        _evaluation.Policy = policy;

        Assert.True(await AnswerAsync() == answer, name);
        Assert.Empty(_looks);
    }

    [Fact, Trait("attack", "87")]
    public async Task Attestation_at_hand_causes_no_network()
    {
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload))];

        Assert.Equal(Allowed, await AnswerAsync());
        Assert.Empty(_looks);
    }

    [Theory, Trait("attack", "83"), MemberData(nameof(Failures))]
    public async Task Failure_is_its_class_and_never_an_absence(RemoteFailure failure)
    {
        _evaluation.Options = $"{Listed}failMode: OPEN";
        _answer = new RemoteList([], false, failure);
        Assert.Equal($"Deny: EvidenceUnavailable REGISTRY:{RemoteFailures.Name(failure)}", await AnswerAsync());

        // What was found all the same counts.
        _clock.Advance(TimeSpan.FromSeconds(3));
        _answer = new RemoteList([Signature()], false, failure);
        Assert.Equal(Allowed, await AnswerAsync());
    }

    [Fact]
    public async Task More_than_is_read_is_a_limit_and_never_an_absence()
    {
        _answer = new RemoteList([], true, default);
        Assert.Equal("Deny: EvidenceLimit OCCURRENCES_PER_DIGEST", await AnswerAsync());
    }

    [Theory]
    [InlineData("another digest", "DIGEST_MISMATCH")]
    [InlineData("the type of Binary Authorization", "PAYLOAD_INVALID")]
    [InlineData("another key", "SIGNATURE_INVALID")]
    [InlineData("a flipped bit", "SIGNATURE_INVALID")]
    public async Task Signature_that_does_not_vouch_says_why(string what, string detail)
    {
        Has(what switch
        {
            "another digest" => Signature(payload: Payload(Digest.Of("other"u8))),
            "the type of Binary Authorization" => Signature(payload: Attestations.Payload),
            "another key" => Signature(key: new TestKey()),
            _ => Signature(change: signature => signature[^1] ^= 1),
        });

        Assert.Equal($"Deny: DeniedByAttestor {detail}", await AnswerAsync());
    }

    [Theory, Trait("attack", "16")]
    [InlineData("a.test/i", "a.test/i", Allowed)]
    [InlineData("a.test/i:1.2", "a.test/i", Allowed)]
    [InlineData("a.test/other", "a.test/i", "Deny: DeniedByAttestor REFERENCE_MISMATCH")]
    [InlineData("", "a.test/i", "Deny: DeniedByAttestor REFERENCE_MISMATCH")]
    public async Task Repository_is_bound_where_the_options_say_so(string about, string judged, string answer)
    {
        Has(Signature(payload: Payload(Attestations.Image, about)));
        _evaluation.Image = $"{judged}@{Attestations.Image}";
        Assert.Equal(Allowed, await AnswerAsync());

        _evaluation.Options = $"{Listed}bindRepository: true";
        Assert.Equal(answer, await AnswerAsync());
    }

    [Fact]
    public async Task Absence_counts_for_ten_seconds_and_is_looked_at_again_at_the_registry_before_it_denies()
    {
        Assert.Equal(Denied, await AnswerAsync());
        Assert.Equal([false], _looks.Select(look => look.IsAgain));

        // Pushed now: a decision a second later finds it, though what is known would deny.
        Has(Signature());
        Assert.Equal(Denied, await AnswerAsync());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Allowed, await AnswerAsync());
        Assert.Equal([false, true], _looks.Select(look => look.IsAgain));
    }

    [Fact, Trait("attack", "93")]
    public async Task Deleted_signature_counts_for_five_minutes_and_no_more()
    {
        Has(Signature());
        Assert.Equal(Allowed, await AnswerAsync());
        Has();
        _clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.Equal(Allowed, await AnswerAsync());
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(Denied, await AnswerAsync());
    }

    [Fact, Trait("attack", "96")]
    public async Task However_many_ask_at_once_one_look_answers_them_all()
    {
        var gate = new TaskCompletionSource();
        _gate = gate.Task;
        Has(Signature());
        var asking = Enumerable.Range(0, 500).Select(_ => _evaluation.AnswerAsync()).ToArray();
        await Eventually.Holds("it is asked", () => _looks.Count > 0);
        gate.SetResult();

        Assert.All(await Task.WhenAll(asking), answer => Assert.Equal(Allowed, answer));
        Assert.Single(_looks);
    }

    [Fact, Trait("attack", "96")]
    public async Task Registry_that_hangs_takes_nothing_from_what_container_analysis_vouches_for()
    {
        _evaluation.Options = $"{Listed}containerAnalysis: {{projects: [acme]}}";
        _occurrence = Occurrence();
        var gate = new TaskCompletionSource();
        _gate = gate.Task;
        using var ending = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        Assert.Equal(Allowed, await _evaluation.AnswerAsync(ending.Token));
        Assert.False(ending.IsCancellationRequested);
        gate.SetResult();
    }

    [Fact, Trait("attack", "90")]
    public async Task Answer_for_one_repository_configuration_project_or_digest_is_never_anothers()
    {
        await AnswerAsync();
        var question = Assert.Single(_looks).Question;
        RegistryQuestion[] all =
        [
            question,
            question with { Project = "other" },
            question with { Digest = Digest.Of("other"u8) },
            question with { Repository = question.Repository with { Path = "j" } },
            question with { Repository = question.Repository with { Registry = new("a.test", true, [], default, []) } },
            question with { Repository = question.Repository with { Registry = new("a.test", false, ["m.test"], default, []) } },
            question with { Repository = question.Repository with { Registry = new("a.test", false, [], Core.Policies.RegistryCredentials.Google, []) } },
            question with { Repository = question.Repository with { Registry = new("a.test", false, [], default, ["m.test"]) } },
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(all.Length, all.Select(one => one.Shared.Key).Distinct().Count());
        // The archive is of the repository, however it is asked.
        Assert.Equal(4, all.Select(one => one.ArchiveKey).Distinct().Count());
    }

    private Task<string> AnswerAsync()
    {
        _evaluation.Now = _clock.GetUtcNow();
        return _evaluation.AnswerAsync();
    }

    private void Has(params RemoteItem[] items) => _answer = new RemoteList(items, false, default);

    private RemoteItem Signature(byte[]? payload = null, TestKey? key = null, Action<byte[]>? change = null)
    {
        payload ??= Payload(Attestations.Image);
        var signature = (key ?? _evaluation.Key).Sign(payload);
        change?.Invoke(signature);
        return RegistrySignature.Of($"a.test/i@{Digest.Of("manifest"u8)}", Attestations.Image, SignatureFormat.OverPayload, payload, [signature]).Item;
    }

    private RemoteItem Occurrence() =>
        new("{}"u8.ToArray(), [Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload))]);

    private static byte[] Payload(Digest digest, string reference = "a.test/i") => Encoding.UTF8.GetBytes(
        $$$"""{"critical":{"identity":{"docker-reference":"{{{reference}}}"},"image":{"docker-manifest-digest":"{{{digest}}}"},"type":"cosign container image signature"},"optional":null}""");

    private async Task<RemoteList> LookAsync(RemoteQuestion question, bool isAgain, CancellationToken cancellation)
    {
        if (question is ContainerAnalysisQuestion)
        {
            return new RemoteList(_occurrence is { } item ? [item] : [], false, default);
        }

        lock (_looks)
        {
            _looks.Add((Assert.IsType<RegistryQuestion>(question), isAgain));
        }

        await _gate.WaitAsync(cancellation);
        return _answer;
    }
}
