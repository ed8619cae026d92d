using System.Text.Json.Nodes;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Tests.Keys;
using PolicyService.Tests.ContainerAnalysis;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>Attestations elsewhere that are signed with a key elsewhere.</summary>
public sealed class RemoteWithKeysTests : IAsyncDisposable
{
    private readonly RemoteBench _bench = new();
    private readonly KmsBench _kms = new();

    public RemoteWithKeysTests()
    {
        _bench.Evaluation.PublicKeys = _kms.Cache;
        _bench.Evaluation.Elsewhere = [(KmsBench.Name, SignatureAlgorithm.Unspecified)];
        _bench.Evaluation.Options = RemoteBench.Options(_bench.StandIn.Url, $"pinnedKeys: {{\"{KmsBench.Name}\": \"{_kms.Key.Pin}\"}}");
    }

    public async ValueTask DisposeAsync()
    {
        await _bench.DisposeAsync();
        await _kms.DisposeAsync();
    }

    /// <summary>So a cold decision costs one round trip, to Redis or to the services, and not one after the other.</summary>
    [Fact]
    public async Task Key_and_attestation_are_asked_for_at_once()
    {
        _bench.Add(SignedElsewhere);
        var (keyGate, attestationGate) = (new TaskCompletionSource(), new TaskCompletionSource());
        (_kms.StandIn.Gate, _bench.StandIn.Gate) = (keyGate.Task, attestationGate.Task);

        var asked = _bench.AnswerAsync();
        await Eventually.Holds("both are asked", () => _kms.StandIn.PublicKeyCalls == 1 && _bench.StandIn.Calls.Count == 1);
        attestationGate.SetResult();
        keyGate.SetResult();

        Assert.Equal("Allow: Attested", await asked);
        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
        Assert.Equal((1, 1), (_kms.StandIn.Calls.Count, _bench.StandIn.Calls.Count));
    }

    [Fact]
    public async Task Key_that_no_attestation_names_holds_up_nothing()
    {
        _bench.Add();
        _kms.StandIn.Fault = KmsFault.Silent;

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
    }

    private void SignedElsewhere(JsonObject occurrence) => occurrence["attestation"]!["signatures"] = new JsonArray(new JsonObject
    {
        ["publicKeyId"] = KmsBench.Name.ToString(),
        ["signature"] = Convert.ToBase64String(_kms.Key.SignData(Attestations.Payload)),
    });
}
