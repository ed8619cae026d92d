using CsCheck;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>The shared cache may hold anything: it can save a call and nothing else.</summary>
public sealed class SharedKeyTests : IAsyncDisposable
{
    private const string Pkcs1 = "RSA_SIGN_PKCS1_2048_SHA256";
    private const string Pss = "RSA_SIGN_PSS_2048_SHA256";

    private readonly TestSharedCache _shared = new();
    private readonly KmsBench _bench;

    public SharedKeyTests() => _bench = new KmsBench(shared: _shared, lifetimes: new KeyLifetimes { Negative = TimeSpan.Zero });

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Key_of_one_replica_saves_the_other_its_call()
    {
        await _bench.AskAsync();
        var other = Replica();

        Assert.Equal("FOUND", KmsBench.Word(await other.ResolveAsync(_bench.Remote, TestContext.Current.CancellationToken)));

        Assert.Single(_bench.StandIn.Calls);
        Assert.Equal((1, 1), (_bench.Count(KeyLevel.Redis, KeyMetrics.Miss), _bench.Count(KeyLevel.Redis, KeyMetrics.Hit)));
    }

    [Fact]
    public async Task Only_the_pinned_key_is_offered_to_others()
    {
        _bench.StandIn.Fault = KmsFault.OtherKey;
        await _bench.AskAsync();

        Assert.Empty(_shared.Values);
    }

    public static TheoryData<string, byte[]> Lies
    {
        get
        {
            var key = new KmsStandInKey("EC_SIGN_P256_SHA256");
            return new()
            {
                { "nothing", [] },
                { "noise", [0xff, 0, 0xfe, 10] },
                { "another key", Text($"ECDSA_P256_SHA256\n{key.Pem}") },
                { "no algorithm", Text(key.Pem) },
                { "a private key", Text($"ECDSA_P256_SHA256\n{key.PrivatePem}") },
                { "much", new byte[1_000_000] },
                { "much text", Text($"ECDSA_P256_SHA256\n{key.Pem}{new string(' ', 10_000)}") },
            };
        }
    }

    [Theory, MemberData(nameof(Lies))]
    [Trait("attack", "90")]
    public async Task Lie_costs_a_call_and_nothing_else(string name, byte[] lie)
    {
        _shared.Lie = lie;
        // Not even a value that a replica vouches for replaces the pin.
        _shared.IsAuthenticated = true;

        Assert.Equal("FOUND", await _bench.AskAsync());

        Assert.True(_bench.StandIn.PublicKeyCalls == 1, name);
        Assert.Equal(1, _bench.Count(KeyLevel.Redis, KeyMetrics.Refused));
    }

    [Fact]
    public async Task Lie_beside_a_dead_source_is_no_key()
    {
        _bench.StandIn.Fault = KmsFault.Hangup;
        _shared.Lie = Text($"ECDSA_P256_SHA256\n{new KmsStandInKey("EC_SIGN_P256_SHA256").Pem}");

        Assert.Equal("CONNECTION", await _bench.AskAsync());
        Assert.Equal(0, _bench.Cache.Count);
    }

    /// <summary>Who says how the key signs: the right word, the wrong word or none in the document; the cache's word, vouched for or not.</summary>
    [Theory]
    [InlineData(Pkcs1, Pkcs1, null, false, false)]
    [InlineData(Pkcs1, Pss, null, false, false)]
    [InlineData(Pkcs1, Pkcs1, null, true, true)]
    [InlineData(Pkcs1, Pkcs1, SignatureAlgorithm.RsaPkcs1With2048Sha256, false, true)]
    [InlineData(Pkcs1, Pss, SignatureAlgorithm.RsaPkcs1With2048Sha256, false, false)]
    [InlineData(Pkcs1, Pss, SignatureAlgorithm.RsaPkcs1With2048Sha256, true, false)]
    [InlineData("EC_SIGN_P256_SHA256", "EC_SIGN_P256_SHA256", null, false, true)]
    [InlineData("EC_SIGN_P384_SHA384", "EC_SIGN_P384_SHA384", null, false, true)]
    [InlineData("EC_SIGN_P256_SHA256", "EC_SIGN_P384_SHA384", null, true, false)]
    [Trait("attack", "51")]
    public async Task Algorithm_counts_only_where_the_key_the_document_or_a_replica_says_so(
        string kms, string claimed, SignatureAlgorithm? declared, bool isAuthenticated, bool isTaken)
    {
        var key = _bench.StandIn.Add(KmsBench.Resource, kms);
        var remote = KmsBench.RemoteOf(KmsBench.Resource, key) with { Algorithm = declared ?? SignatureAlgorithm.Unspecified };
        _shared.Lie = Text($"{claimed}\n{key.Pem}");
        _shared.IsAuthenticated = isAuthenticated;

        Assert.Equal("FOUND", await _bench.AskAsync(remote));

        Assert.Equal(isTaken ? 0 : 1, _bench.StandIn.PublicKeyCalls);
        var found = Assert.IsType<KeyResolution.Found>(_bench.Cache.Lookup(remote));
        Assert.True(SignatureAlgorithms.TryParse(kms, out var algorithm) && found.Key.Algorithm == algorithm);
    }

    [Fact]
    public async Task Silent_cache_is_a_miss_after_its_time()
    {
        _shared.IsSilent = true;

        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Equal(1, _bench.Count(KeyLevel.Redis, KeyMetrics.Miss));
    }

    [Fact]
    [Trait("attack", "88")]
    public void Names_of_keys_never_meet()
    {
        var names = Gen.Select(Gen.String[Gen.Char["ab-"], 1, 3], Gen.String[Gen.Char["ab-"], 1, 3], (ring, key) =>
            KmsBench.NameOf($"projects/acme/locations/eu/keyRings/{ring}/cryptoKeys/{key}/cryptoKeyVersions/1"));
        var pins = Gen.Byte.Array[0, 1].Select(content => Core.Images.Digest.Of(content));
        Gen.Select(names, pins, names, pins).Sample((name, pin, other, otherPin) =>
            SharedKeyValue.KeyOf(name, pin) == SharedKeyValue.KeyOf(other, otherPin) == (name == other && pin == otherPin));
    }

    private static byte[] Text(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private PublicKeyCache Replica() => new(_bench.Client, _shared, _bench.Metrics, TimeProvider.System);
}
