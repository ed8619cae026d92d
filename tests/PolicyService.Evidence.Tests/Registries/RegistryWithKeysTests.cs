using PolicyService.Core.Attestors;
using PolicyService.Evidence.Tests.Keys;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Signatures beside an image name no key, so that each key of an attestor that is kept elsewhere may have made them.</summary>
public sealed class RegistryWithKeysTests : IAsyncDisposable
{
    private static readonly byte[] Payload = CosignWriter.Payload("a.test/i", $"{Attestations.Image}");

    private readonly FakeRegistry _registry = new();
    private readonly KmsBench _kms = new();

    public ValueTask DisposeAsync() => _kms.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    // So many are not fetched before it is known that they are needed.
    [InlineData(9)]
    public async Task Key_elsewhere_that_alone_signed_is_found_among_all(int others)
    {
        _registry.Sign((Payload, _kms.Key.SignData(Payload)));

        Assert.Equal("Allow: Attested", await Bench(others).AnswerAsync());
        // Each once, and none any more once one has verified it.
        Assert.InRange(_kms.StandIn.PublicKeyCalls, 1, others + 1);
    }

    [Fact]
    public async Task Statement_that_a_key_elsewhere_signed_counts_too()
    {
        var statement = CosignWriter.Statement($"{Attestations.Image}");
        _registry.Refer(CosignWriter.Bundle(CosignWriter.Envelope(statement, [_kms.Key.SignData(CosignWriter.PreAuthentication(CosignWriter.InTotoType, statement))])));

        Assert.Equal("Allow: Attested", await Bench(9).AnswerAsync());
    }

    [Fact]
    public async Task Signature_of_no_key_elsewhere_is_denied_after_each_was_tried()
    {
        _registry.Sign((Payload, CosignKey.Of("ECDSA_P256_SHA256").Sign(Payload)));

        Assert.Equal("Deny: DeniedByAttestor SIGNATURE_INVALID", await Bench(9).AnswerAsync());
        Assert.Equal(10, _kms.StandIn.PublicKeyCalls);
    }

    /// <summary>The image beside which it lies, for an attestor with the key of this bench after so many others of the same service.</summary>
    private Evaluation Bench(int others)
    {
        var pinned = Enumerable.Range(2, others).Select(number => $"{KmsBench.Ring}k/cryptoKeyVersions/{number}")
            .Select(resource => (Name: KmsBench.NameOf(resource), _kms.StandIn.Add(resource, "EC_SIGN_P256_SHA256").Pin)).Append((Name: KmsBench.Name, _kms.Key.Pin)).ToArray();
        var bench = CosignBench.Of(_registry);
        bench.PublicKeys = _kms.Cache;
        bench.Elsewhere = [.. pinned.Select(key => (key.Name, SignatureAlgorithm.Unspecified))];
        bench.Options += $"\npinnedKeys: {{{string.Join(", ", pinned.Select(key => $"\"{key.Name}\": \"{key.Pin}\""))}}}";
        return bench;
    }
}
