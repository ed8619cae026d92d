using PolicyService.Core;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>What one look beside an image costs at most, whatever lies there: what exceeds it is not asked for (SEMANTICS section 7).</summary>
[Trait("attack", "76")]
public sealed class CosignCostTests
{
    private static readonly byte[] Payload = CosignWriter.Payload("a.test/i", $"{Attestations.Image}");

    private readonly FakeRegistry _registry = new();

    [Fact]
    public async Task Hundred_referrers_are_asked_for_and_no_more()
    {
        foreach (var number in Enumerable.Range(0, Limits.Referrers + 5))
        {
            _registry.Refer([CosignWriter.Layer(BitConverter.GetBytes(number), "application/x")]);
        }

        Assert.True((await _registry.ListAsync()).IsCut);
        // The tag and the list itself come first.
        Assert.Equal(2 + Limits.Referrers, _registry.Asked.Count);
    }

    [Fact]
    public async Task Referrers_are_charged_what_they_declare()
    {
        const int Fitting = Limits.RegistryListBytes / Limits.ManifestBytes;
        foreach (var number in Enumerable.Range(0, Fitting))
        {
            Refer(number);
        }

        Assert.False((await _registry.ListAsync()).IsCut);
        Refer(Fitting);
        var before = _registry.Asked.Count;
        Assert.True((await _registry.ListAsync()).IsCut);
        Assert.Equal(2 + Fitting, _registry.Asked.Count - before);

        void Refer(int number) => _registry.Refer([CosignWriter.Layer(BitConverter.GetBytes(number), "application/x")], size: Limits.ManifestBytes);
    }

    [Fact]
    public async Task What_is_listed_twice_counts_once()
    {
        var bundle = CosignWriter.Bundle(CosignKey.Of("ECDSA_P256_SHA256"), CosignWriter.Statement($"{Attestations.Image}"));
        Assert.Equal(_registry.Refer(bundle), _registry.Refer(bundle));
        Assert.Single((await _registry.ListAsync()).Signatures);
    }

    [Fact]
    public async Task Payload_beyond_the_thousandth_signature_is_not_asked_for()
    {
        var other = CosignWriter.Payload("a.test/other", $"{Attestations.Image}");
        _registry.Add(Payload);
        _registry.Add(other);
        _registry.Refer([CosignWriter.SignatureLayer(other, [1])]);
        _registry.Tag(CosignWriter.Manifest(Enumerable.Range(0, Limits.SignaturesPerDigest - 1).Select(number => CosignWriter.SignatureLayer(Payload, BitConverter.GetBytes(number)))));
        var list = await _registry.ListAsync();
        Assert.Equal((Limits.SignaturesPerDigest, false), (list.Signatures.Count, list.IsCut));
        Assert.Contains(DockerRegistry.DigestOf(other), _registry.Asked);

        _registry.Asked.Clear();
        _registry.Tag(CosignWriter.Manifest(Enumerable.Range(0, Limits.SignaturesPerDigest).Select(number => CosignWriter.SignatureLayer(Payload, BitConverter.GetBytes(number)))));
        list = await _registry.ListAsync();
        Assert.Equal((Limits.SignaturesPerDigest, true), (list.Signatures.Count, list.IsCut));
        Assert.DoesNotContain(DockerRegistry.DigestOf(other), _registry.Asked);
    }
}
