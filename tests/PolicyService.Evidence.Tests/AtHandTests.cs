using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Tests.Keys;

namespace PolicyService.Evidence.Tests;

/// <summary>
/// What is in memory decides a hot request without the way that asks. That both say the same is compared in <see cref="Evaluation.AskAsync"/> for every
/// question of every test; here is what may come from memory and what may not.
/// </summary>
public sealed class AtHandTests
{
    private readonly Store _store = new();
    private readonly Evaluation _evaluation = new();

    [Fact]
    public async Task What_was_verified_before_is_at_hand_and_not_verified_again()
    {
        _evaluation.Stored = [Good()];
        await AssertAsked("Allow: Attested");

        await AssertAtHand("Allow: Attested");

        Assert.Equal(1, _evaluation.Check.Count);
    }

    [Fact]
    public async Task Signature_that_was_refused_is_refused_from_memory()
    {
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload, flipped: true))];
        await AssertAsked("Deny: DeniedByAttestor SIGNATURE_INVALID");

        await AssertAtHand("Deny: DeniedByAttestor SIGNATURE_INVALID");
    }

    /// <summary>One signature that was never verified: what else there is does not decide without it.</summary>
    [Fact]
    public async Task New_attestation_beside_a_known_one_is_verified_first()
    {
        var known = Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload, flipped: true));
        _evaluation.Stored = [known];
        await AssertAsked("Deny: DeniedByAttestor SIGNATURE_INVALID");

        _evaluation.Stored = [known, Good()];
        await AssertAsked("Allow: Attested");
    }

    [Theory]
    [InlineData("revocations: [{digest: IMAGE, reason: r, author: a}]", "Deny: Revoked")]
    [InlineData("revocations: [{digest: IMAGE, attestor: projects/acme/attestors/qa, reason: r, author: a}]", "Deny: DeniedByAttestor REVOKED")]
    [InlineData("maxAttestationAge: 30m", "Deny: DeniedByAttestor EXPIRED")]
    [InlineData("bindRepository: true", "Deny: DeniedByAttestor REFERENCE_MISMATCH")]
    public async Task Memory_of_a_good_signature_outlives_no_change_of_the_options(string options, string answer)
    {
        _evaluation.Image = $"a.test/other@{Attestations.Image}";
        _evaluation.Stored = [Good()];
        await AssertAsked("Allow: Attested");
        await AssertAtHand("Allow: Attested");

        _evaluation.Options = options.Replace("IMAGE", Attestations.Image.ToString(), StringComparison.Ordinal);

        await AssertAtHand(answer);
    }

    [Fact]
    public async Task Removed_key_and_another_image_find_nothing_in_memory_that_counts()
    {
        var attestation = Good();
        _evaluation.Stored = [attestation];
        await AssertAsked("Allow: Attested");

        _evaluation.Image = $"a.test/i@{Digest.Of("another"u8)}";
        await AssertAtHand("Deny: DeniedByAttestor NO_ATTESTATION");

        _evaluation.Image = $"a.test/i@{Attestations.Image}";
        _evaluation.Keys = [new TestKey()];
        await AssertAtHand("Deny: DeniedByAttestor KEY_UNKNOWN");
    }

    [Fact]
    public async Task Inline_attestation_is_never_at_hand()
    {
        _evaluation.Options = "evidenceSources: [INLINE]";
        var sent = Attestations.Of(EvidenceSource.Inline, Attestations.Payload, null, _evaluation.Key.Signature(Attestations.Payload));
        _evaluation.Inline = [new InlineAttestation(Evaluation.Attestor, sent)];

        await AssertAsked("Allow: Attested");
        await AssertAsked("Allow: Attested");
    }

    [Fact]
    public async Task Source_elsewhere_is_asked_where_memory_does_not_suffice()
    {
        _evaluation.Options = "registries: [{host: a.test}]";
        await AssertAsked("Deny: EvidenceUnavailable REGISTRY:NOT_FETCHED");
        await AssertAsked("Deny: EvidenceUnavailable REGISTRY:NOT_FETCHED");

        _evaluation.Stored = [Good()];
        await AssertAsked("Allow: Attested");
        await AssertAtHand("Allow: Attested");
    }

    [Fact]
    public async Task Index_that_may_cover_the_image_is_looked_at()
    {
        _evaluation.Options = "indexCoversChildren: true";
        _evaluation.Parent = Digest.Of("index"u8);

        await AssertAsked("Deny: DeniedByAttestor NO_ATTESTATION", where: "the index may have more");

        _evaluation.Parent = null;
        await AssertAtHand("Deny: DeniedByAttestor NO_ATTESTATION");
    }

    /// <summary>The store's answer counts for one version of its content; an attestation that was deleted is gone at once.</summary>
    [Fact]
    [Trait("attack", "93")]
    public async Task Store_is_asked_for_each_version_of_its_content()
    {
        _evaluation.Occurrences = new StoredOccurrences(_store, TimeProvider.System);
        _store.Found = new ParentOccurrences([Good()], IsCut: false);
        await AssertAsked("Allow: Attested");
        await AssertAtHand("Allow: Attested");

        _store.Found = ParentOccurrences.None;
        await AssertAtHand("Allow: Attested");
        _evaluation.OccurrencesVersion++;

        await AssertAsked("Deny: DeniedByAttestor NO_ATTESTATION");
        await AssertAtHand("Deny: DeniedByAttestor NO_ATTESTATION");
    }

    [Fact]
    public async Task Cut_answer_of_the_store_stays_an_error_from_memory()
    {
        _evaluation.Occurrences = new StoredOccurrences(_store, TimeProvider.System);
        _store.Found = new ParentOccurrences([], IsCut: true);
        await AssertAsked("Deny: EvidenceLimit OCCURRENCES_PER_DIGEST");

        await AssertAtHand("Deny: EvidenceLimit OCCURRENCES_PER_DIGEST");
    }

    [Fact]
    public async Task Failure_of_the_store_is_never_at_hand()
    {
        _evaluation.Occurrences = new StoredOccurrences(_store, TimeProvider.System);
        _store.Found = null;

        await AssertAsked("Deny: EvidenceUnavailable GRAFEAS:CONNECTION");
        await AssertAsked("Deny: EvidenceUnavailable GRAFEAS:CONNECTION");
    }

    [Fact]
    public async Task Key_elsewhere_is_fetched_before_anything_is_at_hand()
    {
        await using var bench = new KmsBench();
        _evaluation.PublicKeys = bench.Cache;
        _evaluation.Elsewhere = [(KmsBench.Name, SignatureAlgorithm.Unspecified)];
        _evaluation.Options = $"pinnedKeys: {{\"{KmsBench.Name}\": \"{bench.Key.Pin}\"}}";
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, new AttestationSignature(Attestations.KeyId(KmsBench.Name.ToString()), bench.Key.SignData(Attestations.Payload)))];

        await AssertAsked("Allow: Attested");
        await AssertAtHand("Allow: Attested");

        // The pin is that of the documents: what was verified under another counts no more.
        _evaluation.Options = $"pinnedKeys: {{\"{KmsBench.Name}\": \"{Digest.Of("another key"u8)}\"}}";
        await AssertAsked("Deny: KeyUnavailable KMS:OTHER_KEY");
    }

    private Attestation Good() => Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload));

    private async Task AssertAtHand(string answer)
    {
        Assert.Equal(answer, await _evaluation.AnswerAsync());
        Assert.True(_evaluation.WasAtHand, "it was not at hand");
    }

    private async Task AssertAsked(string answer, string where = "it was at hand")
    {
        Assert.Equal(answer, await _evaluation.AnswerAsync());
        Assert.False(_evaluation.WasAtHand, where);
    }

    /// <summary>A store with one answer; without one it is gone.</summary>
    private sealed class Store : IOccurrenceSource
    {
        public ParentOccurrences? Found { get; set; }

        public bool HasAnswered(TimeSpan within) => false;

        public Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> ReadAsync(
            Digest digest, IReadOnlyCollection<OccurrenceParent> parents, string caller, CancellationToken cancellation) =>
            Found is { } found
                ? Task.FromResult<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>>(parents.ToDictionary(parent => parent, _ => found))
                : throw new EvidenceSourceException("CONNECTION", "it is gone");
    }
}
