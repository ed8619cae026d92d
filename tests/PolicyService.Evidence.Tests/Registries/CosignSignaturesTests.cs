using System.Text;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>What is read beside an image, within which limits, and what becomes of the rest (SEMANTICS section 7).</summary>
public sealed class CosignSignaturesTests
{
    private static readonly string Image = $"{Attestations.Image}";
    private static readonly byte[] Payload = CosignWriter.Payload("a.test/i", Image);
    private static readonly byte[] Garbage = [1, 2, 3];

    private readonly FakeRegistry _registry = new();
    private readonly CosignKey _key = CosignKey.Of("ECDSA_P256_SHA256");

    public static TheoryData<string> Failures => new(RemoteFailures.All.Where(failure => failure is not RemoteFailure.None).Select(failure => $"{failure}"));

    [Fact]
    public async Task Nothing_is_cleanly_none()
    {
        var list = await _registry.ListAsync();

        Assert.Equal((0, false, RemoteFailure.None), (list.Signatures.Count, list.IsCut, list.Failure));
        Assert.Equal([$"referrers of {Image}", $"sha256-{Attestations.Image.Hex}.sig"], _registry.Asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Signatures_are_listed_newest_first_with_where_they_were_found()
    {
        _registry.Sign((Payload, [1]), (Payload, [2]));
        var bundle = CosignWriter.Bundle(_key, CosignWriter.Statement(Image));
        var referrer = _registry.Refer(bundle);
        var list = await _registry.ListAsync();

        Assert.Equal((3, false, RemoteFailure.None), (list.Signatures.Count, list.IsCut, list.Failure));
        Assert.Equal([2], list.Signatures[0].Attestation.Signatures[0].Value.ToArray());
        Assert.Equal([1], list.Signatures[1].Attestation.Signatures[0].Value.ToArray());
        Assert.Equal($"a.test/i@{referrer}", list.Signatures[2].Attestation.Name);
        Assert.Equal(SignatureFormat.Dsse, list.Signatures[2].Attestation.Signatures[0].Format);
        Assert.All(list.Signatures, signature =>
        {
            Assert.Equal((EvidenceSource.Registry, Attestations.Image), (signature.Attestation.Source, signature.Attestation.ResourceDigest));
            Assert.Null(signature.Attestation.Signatures[0].KeyId);
        });
    }

    [Fact, Trait("attack", "85")]
    public async Task Fifteen_keys_and_three_signatures_read_each_thing_once()
    {
        var keys = Enumerable.Range(0, 15).Select(_ => CosignBench.Read(CosignKey.Of("ECDSA_P256_SHA256"))).ToArray();
        byte[][] payloads = [Payload, CosignWriter.Payload("a.test/j", Image), CosignWriter.Payload("a.test/k", Image)];
        _registry.Sign([.. payloads.Select(payload => (payload, _key.Sign(payload)))]);
        var bench = CosignBench.Of(_registry, keys);
        await bench.AnswerAsync();

        // A tag, the referrers, three payloads; and all that once more, because it would deny.
        Assert.InRange(_registry.Asked.Count, 5, 10);
        Assert.All(_registry.Asked.GroupBy(what => what), same => Assert.InRange(same.Count(), 1, 2));
        Assert.Equal(3 * (15 + 1), bench.Check.Count);
    }

    [Fact, Trait("attack", "76")]
    public async Task Ten_thousand_signatures_are_a_limit_and_no_absence()
    {
        _registry.Add(Payload);
        _registry.Tag(CosignWriter.Manifest(Enumerable.Range(0, 10_000).Select(number => CosignWriter.SignatureLayer(Payload, BitConverter.GetBytes(number)))));
        var list = await _registry.ListAsync();
        Assert.Equal((Limits.SignaturesPerDigest, true, RemoteFailure.None), (list.Signatures.Count, list.IsCut, list.Failure));
        Assert.Equal(1, _registry.Asked.Count(what => what == DockerRegistry.DigestOf(Payload)));

        var bench = CosignBench.Of(_registry, CosignBench.Read(_key));
        Assert.StartsWith("Deny: EvidenceLimit", await bench.AnswerAsync(), StringComparison.Ordinal);
        Assert.InRange(bench.Check.Count, 1, 2 * Limits.SignaturesPerKey);
    }

    [Fact, Trait("attack", "76")]
    public async Task Newest_of_ten_thousand_signatures_satisfies()
    {
        _registry.Add(Payload);
        _registry.Tag(CosignWriter.Manifest(Enumerable.Range(0, 9_999).Select(BitConverter.GetBytes).Append(_key.Sign(Payload)).Select(signature => CosignWriter.SignatureLayer(Payload, signature))));

        Assert.Equal("Allow: Attested", await CosignBench.Of(_registry, CosignBench.Read(_key)).AnswerAsync());
    }

    [Fact, Trait("attack", "76")]
    public async Task Signatures_of_many_envelopes_count_together()
    {
        var statement = CosignWriter.Statement(Image);
        foreach (var number in Enumerable.Range(0, 3))
        {
            _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(statement, Enumerable.Range(400 * number, 400).Select(BitConverter.GetBytes))));
        }

        var list = await _registry.ListAsync();
        Assert.Equal((2, true), (list.Signatures.Count, list.IsCut));
    }

    [Fact]
    public async Task Oversized_parts_are_set_aside_and_said()
    {
        var large = new byte[Limits.PayloadBytes + 1];
        var signature = new byte[Limits.SignatureBytes + 1];
        await AssertCut(() => _registry.Sign((large, Garbage), (Payload, [7])));
        await AssertCut(() => _registry.Sign((Payload, signature), (Payload, [7])));
        // The layer says it is smaller than it is.
        await AssertCut(() => _registry.Tag(CosignWriter.Manifest([CosignWriter.SignatureLayer(Payload, Garbage).Replace($":{Payload.Length},", ":10,", StringComparison.Ordinal), CosignWriter.SignatureLayer(Payload, [7])])));
        await AssertCut(() => _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(large, [Garbage]))));
        await AssertCut(() => _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(Payload, [signature]))));
        await AssertCut(() => _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(Payload, Enumerable.Repeat(new byte[Limits.SignatureBytes], 13)))));
        await AssertCut(() => _registry.Refer([CosignWriter.Layer(Garbage, CosignWriter.BundleType).Replace("\"size\":3", $"\"size\":{Limits.BundleBytes + 1}", StringComparison.Ordinal)]));
        await AssertCut(() => _registry.Refer([], size: Limits.ManifestBytes + 1));
        await AssertCut(() => _registry.Refer([], size: 10));
        await AssertCut(() => _registry.Tag(CosignWriter.Manifest([CosignWriter.SignatureLayer(Payload, [7]), CosignWriter.SignatureLayer(Payload, [7]).Replace("sha256:", "sha512:", StringComparison.Ordinal)])));

        async Task AssertCut(Action add)
        {
            _registry.Sign((Payload, [7]));
            add();
            var list = await _registry.ListAsync();
            Assert.True(list.IsCut);
            Assert.Equal(RemoteFailure.None, list.Failure);
            Assert.Equal([7], Assert.Single(list.Signatures).Attestation.Signatures[0].Value.ToArray());
            _registry.Forget();
            Assert.False((await _registry.ListAsync()).IsCut);
        }
    }

    [Fact]
    public async Task Payload_of_64_KiB_and_signature_of_16_KiB_are_read()
    {
        _registry.Sign((new byte[Limits.PayloadBytes], new byte[Limits.SignatureBytes]));
        var list = await _registry.ListAsync();

        Assert.Equal((1, false), (list.Signatures.Count, list.IsCut));
    }

    [Fact]
    public async Task All_blobs_together_are_bounded_however_often_one_is_named()
    {
        var payload = new byte[Limits.PayloadBytes];
        _registry.Add(payload);
        _registry.Tag(CosignWriter.Manifest(Enumerable.Range(0, 513).Select(number => CosignWriter.SignatureLayer(payload, BitConverter.GetBytes(number)))));
        var list = await _registry.ListAsync();

        Assert.Equal((512, true), (list.Signatures.Count, list.IsCut));
        Assert.Equal(Limits.RegistryListBytes, 512 * payload.Length);
    }

    [Fact]
    public async Task Hundred_referrers_are_read_those_first_that_look_like_signatures()
    {
        var bundle = _registry.Refer(CosignWriter.Bundle(_key, CosignWriter.Statement(Image)));
        foreach (var number in Enumerable.Range(0, Limits.Referrers - 1))
        {
            _registry.Refer([CosignWriter.Layer(BitConverter.GetBytes(number), "application/x")], "application/spdx+json");
        }

        Assert.False((await _registry.ListAsync()).IsCut);
        _registry.Refer([], "application/spdx+json");
        var list = await _registry.ListAsync();
        Assert.Equal((1, true), (list.Signatures.Count, list.IsCut));
        Assert.Contains(bundle, list.Signatures[0].Attestation.Name, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Failures))]
    public async Task Failure_of_any_part_is_that_of_the_whole(string name)
    {
        var failure = Enum.Parse<RemoteFailure>(name);
        _registry.Sign((Payload, _key.Sign(Payload)));
        var lost = CosignWriter.Bundle(_key, CosignWriter.Statement(Image));
        var manifest = _registry.Refer(lost);
        foreach (var part in (string[])[$"sha256-{Attestations.Image.Hex}.sig", DockerRegistry.DigestOf(Payload), manifest, DockerRegistry.DigestOf(lost)])
        {
            _registry.Instead = what => what == part ? RegistryOutcome.Failed(failure) : null;
            var list = await _registry.ListAsync();
            Assert.Equal((1, failure, false), (list.Signatures.Count, list.Failure, list.IsCut));
            Assert.Equal("Allow: Attested", await CosignBench.Of(_registry, CosignBench.Read(_key)).AnswerAsync());
        }

        _registry.Instead = _ => null;
        _registry.Referrers = (false, failure);
        Assert.Equal((2, failure), ((await _registry.ListAsync()).Signatures.Count, (await _registry.ListAsync()).Failure));
    }

    [Fact]
    public async Task What_a_manifest_names_and_is_not_there_is_an_error_that_hides_no_other()
    {
        _registry.Sign((Payload, Garbage));
        _registry.Remove(DockerRegistry.DigestOf(Payload));
        Assert.Equal(RemoteFailure.MissingContent, (await _registry.ListAsync()).Failure);
        _registry.Referrers = (false, RemoteFailure.ServerError);
        Assert.Equal(RemoteFailure.ServerError, (await _registry.ListAsync()).Failure);

        _registry.Forget();
        _registry.Remove(_registry.Refer((string[])[]));
        Assert.Equal(RemoteFailure.MissingContent, (await _registry.ListAsync()).Failure);
    }

    [Fact]
    public async Task List_of_referrers_that_is_cut_is_said()
    {
        _registry.Referrers = (true, default);
        Assert.True((await _registry.ListAsync()).IsCut);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("not JSON")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[]}")]
    public async Task Manifest_that_is_none_is_malformed(string text)
    {
        _registry.Tag(Encoding.UTF8.GetBytes(text));
        Assert.Equal(RemoteFailure.Malformed, (await _registry.ListAsync()).Failure);
    }

    [Fact, Trait("attack", "58")]
    public async Task Bundles_that_are_none_or_of_another_kind_neither_help_nor_hurt()
    {
        var statement = CosignWriter.Statement(Image);
        var good = _key.Sign(CosignWriter.PreAuthentication(CosignWriter.InTotoType, statement));
        _registry.Refer("not JSON"u8.ToArray());
        _registry.Refer(Encoding.UTF8.GetBytes($"{{\"mediaType\":\"{CosignWriter.BundleType}\",\"messageSignature\":{{}}}}"));
        _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(statement, [])));
        _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(statement, [good], "application/x")));
        _registry.Sign((Payload, []));
        var list = await _registry.ListAsync();
        Assert.Equal((0, false, RemoteFailure.None), (list.Signatures.Count, list.IsCut, list.Failure));

        _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(statement, [good])));
        Assert.Equal("Allow: Attested", await CosignBench.Of(_registry, CosignBench.Read(_key)).AnswerAsync());
    }

    [Fact]
    public async Task Time_that_runs_out_keeps_what_was_found()
    {
        using var ending = new CancellationTokenSource();
        _registry.Sign((Payload, _key.Sign(Payload)));
        var bundle = CosignWriter.Bundle(_key, CosignWriter.Statement(Image));
        _registry.Refer(bundle);
        _registry.Instead = what =>
        {
            if (what == DockerRegistry.DigestOf(bundle))
            {
                ending.Cancel();
                ending.Token.ThrowIfCancellationRequested();
            }

            return null;
        };
        var list = await _registry.ListAsync(ending.Token);

        Assert.Equal((1, RemoteFailure.Timeout), (list.Signatures.Count, list.Failure));
    }
}
