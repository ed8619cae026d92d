using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>What the collector asks a key service for, and what it does while it waits.</summary>
public sealed class RemoteKeyCollectionTests : IAsyncDisposable
{
    private readonly KmsBench _bench = new();
    private readonly Evaluation _evaluation = new();

    public RemoteKeyCollectionTests()
    {
        _evaluation.PublicKeys = _bench.Cache;
        _evaluation.Elsewhere = [(KmsBench.Name, SignatureAlgorithm.Unspecified)];
        _evaluation.Options = $"pinnedKeys: {{\"{KmsBench.Name}\": \"{_bench.Key.Pin}\"}}";
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Signature_of_a_key_elsewhere_counts()
    {
        _evaluation.Stored = [Signed()];

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Equal(1, _bench.StandIn.PublicKeyCalls);
    }

    [Fact]
    public async Task Payload_of_another_image_does_not()
    {
        var payload = SimpleSigningPayload.Write("a.test/i", Core.Images.Digest.Of("another"u8));
        _evaluation.Stored = [Attestations.Of(payload, new AttestationSignature(Id, _bench.Key.SignData(payload)))];

        Assert.Equal("Deny: DeniedByAttestor DIGEST_MISMATCH", await _evaluation.AnswerAsync());
    }

    [Fact]
    public async Task Attestation_that_names_another_key_asks_for_none()
    {
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload))];

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Empty(_bench.StandIn.Calls);
    }

    /// <summary>The cost of N keys and M signatures is N fetches at most, at once and not one after the other.</summary>
    [Fact]
    [Trait("attack", "85")]
    public async Task Many_keys_are_fetched_at_once_and_once_each()
    {
        const int Keys = 10;
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        var keys = Enumerable.Range(1, Keys).Select(number => $"{KmsBench.Ring}k/cryptoKeyVersions/{number}").Select(resource => (Name: KmsBench.NameOf(resource), Key: _bench.StandIn.Add(resource))).ToArray();
        _evaluation.Elsewhere = [.. keys.Select(key => (key.Name, SignatureAlgorithm.Unspecified))];
        _evaluation.Options = $"pinnedKeys: {{{string.Join(", ", keys.Select(key => $"\"{key.Name}\": \"{key.Key.Pin}\""))}}}";
        _evaluation.Stored = [.. keys.SelectMany(key => Enumerable.Range(0, 5).Select(number => Attestations.Of(Attestations.Payload, Attestations.Garbage(Attestations.KeyId(key.Name.ToString()), number))))];

        var answer = _evaluation.AnswerAsync();
        await Calls(Keys);
        gate.SetResult();
        Assert.Equal("Deny: DeniedByAttestor SIGNATURE_INVALID", await answer);
        Assert.Equal(Keys, _bench.StandIn.Calls.Count);
        Assert.Equal(Keys * 5, _evaluation.Check.Count);
    }

    [Fact]
    public async Task Key_that_does_not_come_takes_nothing_from_one_that_does()
    {
        var second = KmsBench.Ring + "k/cryptoKeyVersions/2";
        var key = _bench.StandIn.Add(second);
        _evaluation.Elsewhere = [(KmsBench.Name, SignatureAlgorithm.Unspecified), (KmsBench.NameOf(second), SignatureAlgorithm.Unspecified)];
        _evaluation.Options = $"pinnedKeys: {{\"{KmsBench.Name}\": \"{_bench.Key.Pin}\", \"{KmsBench.NameOf(second)}\": \"{key.Pin}\"}}";
        _evaluation.Stored = [Signed(), Attestations.Of(Attestations.Payload, new AttestationSignature(Attestations.KeyId($"{KmsBench.NameOf(second)}"), key.SignData(Attestations.Payload)))];
        _bench.StandIn.FaultOf = call => call.Path.Contains("cryptoKeyVersions/1/", StringComparison.Ordinal) ? KmsFault.Hangup : KmsFault.None;

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    /// <summary>A key in the document vouches for the image: who may write attestations cannot make it wait for another that never comes.</summary>
    [Fact]
    [Trait("attack", "85")]
    public async Task Image_that_is_attested_waits_for_no_further_key()
    {
        _evaluation.Stored = [Signed(), Attestations.Of(Attestations.Payload, _evaluation.Key.Signature(Attestations.Payload))];
        _bench.StandIn.Fault = KmsFault.Silent;

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Empty(_bench.StandIn.Calls);
    }

    [Fact]
    public async Task Key_that_came_is_enough_though_another_hangs()
    {
        var second = KmsBench.Ring + "k/cryptoKeyVersions/2";
        var key = _bench.StandIn.Add(second);
        _evaluation.Elsewhere = [(KmsBench.Name, SignatureAlgorithm.Unspecified), (KmsBench.NameOf(second), SignatureAlgorithm.Unspecified)];
        _evaluation.Options = $"pinnedKeys: {{\"{KmsBench.Name}\": \"{_bench.Key.Pin}\", \"{KmsBench.NameOf(second)}\": \"{key.Pin}\"}}";
        _evaluation.Stored = [Signed(), Attestations.Of(Attestations.Payload, new AttestationSignature(Attestations.KeyId($"{KmsBench.NameOf(second)}"), key.SignData(Attestations.Payload)))];
        _bench.StandIn.FaultOf = call => call.Path.Contains("cryptoKeyVersions/1/", StringComparison.Ordinal) ? KmsFault.Silent : KmsFault.None;

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    [Fact]
    public async Task Time_that_runs_out_while_a_key_is_fetched_is_said()
    {
        _evaluation.Stored = [Signed()];
        _bench.StandIn.Fault = KmsFault.Silent;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var asked = _evaluation.AnswerAsync(ending.Token);
        await Calls(1);
        await ending.CancelAsync();

        Assert.Equal("Deny: Deadline KMS", await asked);
    }

    [Fact]
    public async Task Key_in_memory_costs_next_to_nothing()
    {
        _evaluation.Stored = [Signed()];
        await _evaluation.AnswerAsync();
        var remote = _bench.Remote;
        Assert.True(_bench.Cache.IsKnown(remote));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var turn = 0; turn < 1000; turn++)
        {
            Assert.True(_bench.Cache.IsKnown(remote) && _bench.Cache.Lookup(remote) is KeyResolution.Found);
        }

        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000.0;
        TestContext.Current.SendDiagnosticMessage($"a key from memory allocates {each:f1} bytes");
        Assert.InRange(each, 0, 1);
    }

    [Fact]
    public async Task Inline_attestation_may_name_a_key_elsewhere_too()
    {
        _evaluation.Options += "\nevidenceSources: [INLINE]";
        _evaluation.Inline = [new InlineAttestation(Evaluation.Attestor, Attestations.Of(EvidenceSource.Inline, Attestations.Payload, null, Signature()))];

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    private async Task Calls(int count)
    {
        while (_bench.StandIn.Calls.Count < count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private static KeyId Id => Attestations.KeyId(KmsBench.Name.ToString());

    private AttestationSignature Signature() => new(Id, _bench.Key.SignData(Attestations.Payload));

    private Attestation Signed() => Attestations.Of(Attestations.Payload, Signature());
}
