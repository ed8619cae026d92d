using System.Text;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>An index that is vouched for covers the images its bytes list, where the options say so, and nothing else (SEMANTICS section 1).</summary>
public sealed class IndexCoverTests
{
    private const string Covering = "indexCoversChildren: true\nregistries: [{host: a.test}]\n";
    private const string AsManifest = "application/vnd.oci.image.manifest.v1+json";
    private static readonly Digest Sibling = Digest.Of("sibling"u8);

    private readonly Evaluation _evaluation = new() { Options = Covering };
    private readonly FakeTimeProvider _clock = new(Attestations.Start);
    private readonly List<Digest> _fetched = [];
    private byte[] _bytes;
    private Digest _index;
    private Func<RegistryOutcome>? _outcome;

    public IndexCoverTests()
    {
        _bytes = [];
        Is(Entry(Attestations.Image), Entry(Sibling));
        _evaluation.Indexes = new IndexChildren(
            (repository, digest, _) =>
            {
                Assert.Equal("a.test/i", repository.ToString());
                _fetched.Add(digest);
                return Task.FromResult(_outcome?.Invoke() ?? RegistryOutcome.Of(new RegistryContent(_bytes, "", Digest.Of(_bytes))));
            },
            _clock);
    }

    public static TheoryData<string, string> Failures => new(RemoteFailures.All.Where(failure => failure is not RemoteFailure.None).Select(failure => (failure.ToString(), failure is RemoteFailure.Deadline
        ? "Deny: Deadline REGISTRY"
        : $"Deny: EvidenceUnavailable REGISTRY:{RemoteFailures.Name(failure)}")));

    [Fact, Trait("attack", "8")]
    public async Task Signed_index_covers_its_child_only_where_the_options_say_so()
    {
        Attested(_index);

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());

        _evaluation.Options = "registries: [{host: a.test}]\nevidenceSources: [GRAFEAS]";
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
        _evaluation.Options = Covering;
        _evaluation.Parent = null;
        Assert.Equal("Deny: EvidenceUnavailable REGISTRY:NOT_FETCHED", await _evaluation.AnswerAsync());
    }

    [Fact, Trait("attack", "9")]
    public async Task Signed_child_covers_neither_its_index_nor_a_sibling()
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]";
        Attested(Attestations.Image);
        _evaluation.Image = $"a.test/i@{Sibling}";
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());

        // The other way round, the child named as if it were the index.
        _evaluation.Image = $"a.test/i@{_index}";
        _evaluation.Parent = Attestations.Image;
        _outcome = () => RegistryOutcome.Of(new RegistryContent([.. "{}"u8], "", Attestations.Image));
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
    }

    [Fact, Trait("attack", "10")]
    public async Task Index_with_one_more_child_is_another_index()
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]";
        Is(Entry(Sibling));
        Attested(_index);
        // The attacker's index lists the signed one's children and their own.
        Is(Entry(Sibling), Entry(Attestations.Image));

        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
        Assert.Equal([_index], _fetched);
    }

    [Fact, Trait("attack", "10")]
    public async Task What_the_registry_sends_for_the_signed_index_is_hashed()
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]";
        Is(Entry(Sibling));
        Attested(_index);
        var signed = _index;
        Is(Entry(Attestations.Image));
        _evaluation.Parent = signed;

        Assert.Equal("Deny: EvidenceUnavailable REGISTRY:WRONG_DIGEST", await _evaluation.AnswerAsync());
    }

    [Theory, Trait("attack", "12")]
    [InlineData(""","platform":{"os":"unknown","architecture":"unknown"}""", "Deny: DeniedByAttestor NO_ATTESTATION")]
    [InlineData(""","platform":{"os":"linux","architecture":"unknown"}""", "Deny: DeniedByAttestor NO_ATTESTATION")]
    [InlineData(""","annotations":{"vnd.docker.reference.type":"attestation-manifest"}""", "Deny: DeniedByAttestor NO_ATTESTATION")]
    [InlineData(""","platform":{"os":"linux","architecture":"arm64"}""", "Allow: Attested")]
    public async Task Child_that_does_not_run_is_not_covered(string more, string answer)
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]";
        Is(Entry(Attestations.Image, more));
        Attested(_index);

        Assert.Equal(answer, await _evaluation.AnswerAsync());
    }

    [Fact, Trait("attack", "11")]
    public async Task Index_within_an_index_covers_nothing_below()
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]";
        Is(Entry(Attestations.Image));
        var inner = _index;
        Is(Entry(inner, mediaType: "application/vnd.oci.image.index.v1+json"));
        Attested(_index);

        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
        Assert.Equal([_index], _fetched);
    }

    [Theory]
    [InlineData("revocations: [{digest: 'INDEX', reason: r, author: a}]")]
    [InlineData("revocations: [{digest: 'INDEX', attestor: projects/acme/attestors/qa, reason: r, author: a}]")]
    [InlineData("revocations: [{digest: 'IMAGE', attestor: projects/acme/attestors/qa, reason: r, author: a}]")]
    public async Task Revoked_index_covers_nothing(string revocation)
    {
        Attested(_index);
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]\n{revocation.Replace("INDEX", _index.ToString(), StringComparison.Ordinal).Replace("IMAGE", Attestations.Image.ToString(), StringComparison.Ordinal)}";

        Assert.Equal("Deny: DeniedByAttestor REVOKED", await _evaluation.AnswerAsync());
    }

    [Theory, Trait("attack", "83"), MemberData(nameof(Failures))]
    public async Task Index_that_cannot_be_read_is_an_error(string failure, string answer)
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]\nfailMode: OPEN";
        Attested(_index);
        _outcome = () => RegistryOutcome.Failed(Enum.Parse<RemoteFailure>(failure));

        Assert.Equal(answer, await _evaluation.AnswerAsync());
        // It answers for a while, then is asked again.
        await _evaluation.AnswerAsync();
        Assert.Single(_fetched);
        _clock.Advance(TimeSpan.FromSeconds(3));
        _outcome = null;
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    [Fact]
    public async Task Index_that_is_not_there_or_no_index_covers_nothing()
    {
        _evaluation.Options = $"{Covering}evidenceSources: [GRAFEAS]";
        Attested(_index);
        _outcome = () => RegistryOutcome.NotThere;
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
        _clock.Advance(TimeSpan.FromSeconds(10));
        _outcome = () => RegistryOutcome.TooLarge;
        Assert.Equal("Deny: EvidenceLimit INDEX", await _evaluation.AnswerAsync());

        _outcome = null;
        _bytes = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"config":{"mediaType":"x","digest":"{{Sibling}}","size":1},"layers":[{"mediaType":"x","digest":"{{Attestations.Image}}","size":1}]}""");
        _evaluation.Parent = _index = Digest.Of(_bytes);
        Attested(_index);
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
    }

    [Fact, Trait("attack", "87")]
    public async Task Index_is_read_once_and_only_where_it_may_change_the_answer()
    {
        Attested(_index);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => _evaluation.AnswerAsync()));
        Assert.Equal([_index], _fetched);

        _fetched.Clear();
        Is(Entry(Attestations.Image), Entry(Digest.Of("third"u8)));
        Attested(Attestations.Image);
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Empty(_fetched);
    }

    [Fact]
    public async Task Image_outside_the_registries_that_may_be_asked_is_not_covered()
    {
        Attested(_index);
        _evaluation.Options = "indexCoversChildren: true\nregistries: [{host: b.test}]";

        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await _evaluation.AnswerAsync());
        Assert.Empty(_fetched);
    }

    private void Is(params string[] entries)
    {
        _bytes = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{string.Join(',', entries)}}]}""");
        _evaluation.Parent = _index = Digest.Of(_bytes);
    }

    private static string Entry(Digest digest, string more = "", string mediaType = AsManifest) => $$"""{"mediaType":"{{mediaType}}","digest":"{{digest}}","size":7{{more}}}""";

    private void Attested(Digest digest)
    {
        var payload = SimpleSigningPayload.Write("a.test/i", digest);
        _evaluation.Stored =
        [
            new Attestation(payload, [_evaluation.Key.Signature(payload)]) { Source = EvidenceSource.Grafeas, Note = Attestations.Note(), ResourceDigest = digest, FirstSeen = Attestations.Start },
        ];
    }
}
