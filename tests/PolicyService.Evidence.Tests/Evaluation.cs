using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence.Tests;

/// <summary>One project with one attestor, asked about one image: selection, collection and evaluation as the service does them.</summary>
internal sealed class Evaluation
{
    public Evaluation() => Verified = new VerifiedSignatures(Check.Verify, 10_000);

    public CountingCheck Check { get; } = new();

    public VerifiedSignatures Verified { get; }

    /// <summary>Keys kept elsewhere: none, unless a test brings a key service.</summary>
    public PublicKeyCache PublicKeys { get; set; } = new(NoKeyManagement.Instance, NoSharedCache.Instance, new KeyMetrics(), TimeProvider.System);

    /// <summary>Attestations of Container Analysis elsewhere: none, unless a test brings one.</summary>
    public RemoteAnswers? Remote { get; set; }

    /// <summary>Attestations in a store: there is none, unless a test brings one.</summary>
    public StoredOccurrences? Occurrences { get; set; }

    /// <summary>The version of the store's content.</summary>
    public long OccurrencesVersion { get; set; }

    /// <summary>Whether the last answer could have been given from memory.</summary>
    public bool WasAtHand { get; private set; }

    /// <summary>What indexes list: nobody can say, unless a test brings a registry.</summary>
    public IndexChildren? Indexes { get; set; }

    /// <summary>The index that the request names as a hint.</summary>
    public Digest? Parent { get; set; }

    public IReadOnlyList<TestKey> Keys { get; set; } = [new TestKey()];

    public TestKey Key => Keys[0];

    /// <summary>Further keys of the attestor, of any kind.</summary>
    public IReadOnlyList<PublicKey> Further { get; set; } = [];

    /// <summary>Further keys of the attestor, which are kept elsewhere.</summary>
    public IReadOnlyList<(KmsKeyName Name, SignatureAlgorithm Algorithm)> Elsewhere { get; set; } = [];

    public IReadOnlyList<Attestation> Stored { get; set; } = [];

    public IReadOnlyList<InlineAttestation> Inline { get; set; } = [];

    /// <summary>The text of <c>options.yaml</c>.</summary>
    public string Options { get; set; } = "bindRepository: false";

    /// <summary>The text of the policy's rules.</summary>
    public string Policy { get; set; } = """
        defaultAdmissionRule: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [projects/acme/attestors/qa]}
        """;

    public string Image { get; set; } = $"a.test/i@{Attestations.Image}";

    /// <summary>When documents were last read.</summary>
    public DateTimeOffset ReadAt { get; set; } = Attestations.Start;

    /// <summary>The time of the decision.</summary>
    public DateTimeOffset Now { get; set; } = Attestations.Start.AddHours(1);

    public static AttestorName Attestor => AttestorName.TryParse("projects/acme/attestors/qa", out var name) ? name : default;

    public PolicySnapshot Snapshot => PolicySnapshot.Build(
        new DocumentSet
        {
            Projects =
            [
                new ProjectDocuments
                {
                    Id = "acme",
                    Policy = Document<Policy>("policy.yaml", Policy),
                    Options = Document<ProjectOptions>("options.yaml", Options),
                    Attestors = [new Attestor(Attestor, Attestations.Note(), [.. Keys.Select(key => new AttestorKey(key.Id, key.Public, null)), .. Further.Select(key => new AttestorKey(key.DefaultId, key, null)), .. Elsewhere.Select(KeyElsewhere)])],
                    Attestations = Stored,
                },
            ],
        },
        1);

    public async Task<(EvidenceSet Evidence, Decision Decision)> AskAsync(CancellationToken? ending = null)
    {
        Assert.True(ImageReference.TryParse(Image, out var image), Image);
        var snapshot = Snapshot;
        var request = new EvaluationRequest(image, "here.test") { Grants = CallerGrants.All, Attestations = Inline, ParentDigest = Parent };
        var collector = new EvidenceCollector(Verified, PublicKeys, Occurrences, Remote, Indexes);
        var before = Select();
        var early = collector.AtHand(snapshot, before, ReadAt, OccurrencesVersion, Now);
        var selection = Select();
        var evidence = await collector.CollectAsync(snapshot, selection, ReadAt, OccurrencesVersion, "", Now, ending ?? TestContext.Current.CancellationToken);
        var decision = Evaluator.Evaluate(selection, evidence, Now);
        if (early is not null && ending is null)
        {
            // What is in memory decides as it would if nobody had looked there first.
            Assert.Equal(Shown(decision), Shown(Evaluator.Evaluate(before, early, Now)));
        }

        WasAtHand = early is not null;
        return (evidence, decision);

        Selection Select() => Assert.IsType<SelectionResult.Selected>(snapshot.Select(request, new SnapshotAge(false, TimeSpan.Zero, Attestations.Start))).Selection;
    }

    private static string Shown(Decision decision) =>
        $"{decision.Verdict} {decision.Conformance} {decision.EvidenceTime:O} {decision.Stale} {decision.FailMode} {string.Join(' ', decision.Reasons)} {string.Join(' ', decision.Evidence)}";

    /// <summary>Verdict and reasons in one line.</summary>
    public async Task<string> AnswerAsync(CancellationToken? ending = null)
    {
        var (_, decision) = await AskAsync(ending);
        return $"{decision.Verdict}: {string.Join(", ", decision.Reasons.Select(reason => $"{reason.Code} {reason.Detail}".TrimEnd()))}";
    }

    private static AttestorKey KeyElsewhere((KmsKeyName Name, SignatureAlgorithm Algorithm) key) =>
        AttestorKey.Elsewhere(Tests.Attestations.KeyId(key.Name.ToString()), new RemoteKey(key.Name, key.Algorithm));

    private static T Document<T>(string path, string text)
        where T : class
    {
        var parsed = DocumentFiles.Parse(path, Encoding.UTF8.GetBytes(text));
        Assert.Empty(parsed.Problems);
        return Assert.IsType<T>(parsed.Content);
    }
}
