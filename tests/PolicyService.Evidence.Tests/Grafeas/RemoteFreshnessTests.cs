using System.Text;
using PolicyService.Core.Images;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>How long what another service said counts (SEMANTICS section 5), with a clock that the tests move.</summary>
public sealed class RemoteFreshnessTests : IAsyncDisposable
{
    private const string Allowed = "Allow: Attested";
    private const string Denied = "Deny: DeniedByAttestor NO_ATTESTATION";

    private readonly RemoteBench _bench = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact, Trait("attack", "93")]
    public async Task Deleted_attestation_counts_for_five_minutes_and_no_more()
    {
        var name = _bench.Add();
        Assert.Equal(Allowed, await _bench.AnswerAsync());
        _bench.StandIn.Delete(name);

        _bench.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.Equal(Allowed, await _bench.AnswerAsync());
        Assert.Single(_bench.StandIn.Calls);

        _bench.Clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(Denied, await _bench.AnswerAsync());
        Assert.Equal(2, _bench.StandIn.Calls.Count);
    }

    [Fact]
    public async Task Time_that_the_source_took_counts_too()
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        _bench.Add();
        var asked = _bench.AnswerAsync();
        await Eventually.Holds("it is asked", () => !_bench.StandIn.Calls.IsEmpty);
        _bench.Clock.Advance(TimeSpan.FromSeconds(2));
        gate.SetResult();
        Assert.Equal(Allowed, await asked);

        _bench.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(2));
        await _bench.AnswerAsync();
        Assert.Equal(2, _bench.StandIn.Calls.Count);
    }

    [Fact, Trait("attack", "92")]
    public async Task Absence_is_asked_about_again_before_it_denies_at_most_once_a_second()
    {
        Assert.Equal(Denied, await _bench.AnswerAsync());
        Assert.Equal(Denied, await _bench.AnswerAsync());
        _bench.Clock.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.Equal(Denied, await _bench.AnswerAsync());
        Assert.Single(_bench.StandIn.Calls);

        _bench.Clock.Advance(TimeSpan.FromTicks(1));
        _bench.Add();
        Assert.Equal(Allowed, await _bench.AnswerAsync());
        Assert.Equal(2, _bench.StandIn.Calls.Count);
    }

    [Fact, Trait("attack", "92")]
    public async Task Absence_is_kept_for_ten_seconds_and_no_more()
    {
        var question = _bench.Question(Attestations.Image);
        await _bench.Remote.OfAsync(question, Cancellation);
        _bench.Clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        await _bench.Remote.OfAsync(question, Cancellation);
        Assert.Single(_bench.StandIn.Calls);

        _bench.Clock.Advance(TimeSpan.FromTicks(1));
        await _bench.Remote.OfAsync(question, Cancellation);
        Assert.Equal(2, _bench.StandIn.Calls.Count);
    }

    [Fact]
    public async Task Attestations_that_do_not_suffice_are_asked_about_again_too()
    {
        _bench.StandIn.Add(RemoteBench.Occurrence(_bench.Evaluation.Key, flipped: true));
        Assert.Equal("Deny: DeniedByAttestor SIGNATURE_INVALID", await _bench.AnswerAsync());

        _bench.Clock.Advance(TimeSpan.FromSeconds(1));
        _bench.Add();
        Assert.Equal(Allowed, await _bench.AnswerAsync());
    }

    [Fact, Trait("attack", "83")]
    public async Task Absence_whose_second_look_fails_is_an_error()
    {
        Assert.Equal(Denied, await _bench.AnswerAsync());
        _bench.Clock.Advance(TimeSpan.FromSeconds(1));
        _bench.StandIn.Fault = ContainerAnalysisFault.Forbidden;

        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:PERMISSION_DENIED", await _bench.AnswerAsync());
    }

    [Fact]
    public async Task Failure_of_a_second_look_takes_nothing_from_what_still_counts()
    {
        _bench.Add();
        Assert.Equal(Allowed, await _bench.AnswerAsync());
        var keys = _bench.Evaluation.Keys;
        _bench.Clock.Advance(TimeSpan.FromMinutes(1));
        _bench.StandIn.Fault = ContainerAnalysisFault.Forbidden;
        _bench.Evaluation.Keys = [new TestKey()];
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:PERMISSION_DENIED", await _bench.AnswerAsync());

        _bench.Evaluation.Keys = keys;
        Assert.Equal(Allowed, await _bench.AnswerAsync());
        Assert.Equal(2, _bench.StandIn.Calls.Count);
    }

    [Fact, Trait("attack", "92")]
    public async Task Failure_is_remembered_for_three_seconds_and_no_more()
    {
        _bench.Add();
        _bench.StandIn.Fault = ContainerAnalysisFault.Forbidden;
        await _bench.AnswerAsync();
        _bench.StandIn.Fault = ContainerAnalysisFault.None;
        _bench.Clock.Advance(TimeSpan.FromSeconds(3) - TimeSpan.FromTicks(1));
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:PERMISSION_DENIED", await _bench.AnswerAsync());
        Assert.Single(_bench.StandIn.Calls);

        _bench.Clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(Allowed, await _bench.AnswerAsync());
    }

    [Theory, Trait("attack", "84"), Trait("attack", "96")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Thousand_at_once_ask_once(bool isThere)
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        if (isThere)
        {
            _bench.Add();
        }

        var asked = Enumerable.Range(0, 1000).Select(_ => Task.Run(() => _bench.AnswerAsync(), Cancellation)).ToArray();
        await Eventually.Holds("it is asked", () => !_bench.StandIn.Calls.IsEmpty);
        gate.SetResult();

        Assert.All(await Task.WhenAll(asked), answer => Assert.Equal(isThere ? Allowed : Denied, answer));
        Assert.Single(_bench.StandIn.Calls);
    }

    [Fact, Trait("attack", "97")]
    public async Task Callers_who_give_up_leave_the_answer_to_those_who_come_later()
    {
        var gate = new TaskCompletionSource();
        _bench.StandIn.Gate = gate.Task;
        _bench.Add();
        using var ending = new CancellationTokenSource();
        var asked = _bench.AnswerAsync(ending.Token);
        await Eventually.Holds("it is asked", () => !_bench.StandIn.Calls.IsEmpty);
        await ending.CancelAsync();
        await asked;
        gate.SetResult();

        Assert.Equal(Allowed, await _bench.AnswerAsync());
        Assert.Single(_bench.StandIn.Calls);
    }

    [Fact, Trait("attack", "86")]
    public async Task Hot_decisions_ask_nobody()
    {
        _bench.Add();
        for (var number = 0; number < 1000; number++)
        {
            Assert.Equal(Allowed, await _bench.AnswerAsync());
        }

        Assert.Single(_bench.StandIn.Calls);
        Assert.Equal(1, _bench.Evaluation.Check.Count);
    }

    [Fact]
    public async Task Memory_is_bounded_whatever_digests_are_asked_about()
    {
        var memory = new RemoteMemory();
        var answer = RemoteAnswer.Failed(RemoteFailure.Timeout);
        for (var number = 0; number < 200_000; number++)
        {
            memory.Keep(_bench.Question(Digest.Of(Encoding.UTF8.GetBytes($"{number}"))), answer);
        }

        Assert.InRange(memory.Count, 25_000, 50_002);
        Assert.NotNull(memory.Find(_bench.Question(Digest.Of("199999"u8))));

        var bytes = new RemoteMemory();
        _bench.Add(one => one["attestation"]!["serializedPayload"] = Convert.ToBase64String(new byte[60_000]));
        var large = await _bench.Remote.OfAsync(_bench.Question(Attestations.Image), Cancellation);
        for (var number = 0; number < 10_000; number++)
        {
            bytes.Keep(_bench.Question(Digest.Of(Encoding.UTF8.GetBytes($"{number}"))), large);
        }

        Assert.InRange(bytes.Count, 1, 2 * 64 * 1024 * 1024 / 60_000);
    }
}
