using PolicyService.Core.Decisions;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;
using PolicyService.Evidence.Tests;
using PolicyService.Server.Tests.Storage;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Server.Tests.RemoteEvidence;

/// <summary>The archive in the real stores, with a clock that the tests move: when it speaks for a source that is down, and when not.</summary>
public sealed class ArchiveTests
{
    private const string Allowed = "Allow: Attested";
    private const string Archived = "Allow: Attested ARCHIVED";
    private const string Denied = "Deny: DeniedByAttestor NO_ATTESTATION";
    private const string Down = "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:CONNECTION";

    private static readonly TimeSpan Grace = TimeSpan.FromHours(168);
    private static readonly TimeSpan Positive = TimeSpan.FromMinutes(5);

    public static TheoryData<string> Engines => TestStore.Engines;

    /// <summary>Failures after which nobody knows what the source has, and those that are an answer.</summary>
    public static TheoryData<ContainerAnalysisFault, string> Faults => new()
    {
        { ContainerAnalysisFault.Hangup, Archived },
        { ContainerAnalysisFault.Truncated, Archived },
        { ContainerAnalysisFault.NoJson, Archived },
        { ContainerAnalysisFault.PartOfIt, Archived },
        { ContainerAnalysisFault.TooManyRequestsForLong, Archived },
        { ContainerAnalysisFault.UnavailableForAWhile, Archived },
        { ContainerAnalysisFault.Unauthorized, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:UNAUTHENTICATED" },
        { ContainerAnalysisFault.Forbidden, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:PERMISSION_DENIED" },
        { ContainerAnalysisFault.NotFound, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NOT_FOUND" },
        { ContainerAnalysisFault.BadRequest, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:REFUSED" },
        { ContainerAnalysisFault.Endless, "Deny: EvidenceLimit OCCURRENCES_PER_DIGEST" },
    };

    [Theory, MemberData(nameof(Engines))]
    public async Task Verified_evidence_counts_while_its_source_is_down_until_the_grace_ends(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = await SeenAsync(store);
        var seen = bench.Clock.GetUtcNow();
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;

        bench.Clock.Advance(Grace - TimeSpan.FromSeconds(1));
        Assert.Equal(Archived, await bench.AnswerAsync());
        bench.Evaluation.ReadAt = bench.Clock.GetUtcNow();
        var (evidence, decision) = await bench.Evaluation.AskAsync();
        Assert.True(decision.Stale);
        Assert.Equal(seen, decision.EvidenceTime);
        Assert.Contains("last showed it at 2026-03-04T06:06:07Z", decision.Reasons[0].Text, StringComparison.Ordinal);
        Assert.NotNull(evidence.Time);

        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Down, await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Grace_counts_from_the_last_time_the_source_showed_it_and_is_the_projects(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = await SeenAsync(store);
        bench.Evaluation.Options += "evidenceGrace: 2h";
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(Allowed, await bench.AnswerAsync());
        await bench.ArchivedAsync();
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;

        bench.Clock.Advance(TimeSpan.FromHours(2) - TimeSpan.FromSeconds(1));
        Assert.Equal(Archived, await bench.AnswerAsync());
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Down, await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Another_process_on_the_store_knows_it_too(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = await SeenAsync(store);
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;

        await using var other = new RemoteBench(archive: store.Another());
        (other.Evaluation.Options, other.Evaluation.Keys) = (bench.Evaluation.Options, bench.Evaluation.Keys);

        Assert.Equal(Archived, await other.AnswerAsync());
        Assert.Equal(1, other.Evaluation.Check.Count);
    }

    [Theory, MemberData(nameof(Faults)), Trait("attack", "83")]
    public async Task Archive_speaks_where_nobody_can_know_and_never_against_an_answer(ContainerAnalysisFault fault, string answer)
    {
        await using var store = await TestStore.CreateAsync(TestStore.Sqlite);
        await using var bench = await SeenAsync(store);
        bench.StandIn.Fault = fault;
        bench.Clock.Advance(Positive);
        Assert.Equal(answer, await bench.AnswerAsync());
    }

    [Theory]
    [InlineData(true, Archived)]
    [InlineData(false, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NO_CREDENTIALS")]
    public async Task Credentials_that_cannot_be_asked_for_are_an_outage_and_refused_ones_are_none(bool isOutage, string answer)
    {
        var isFailing = false;
        await using var store = await TestStore.CreateAsync(TestStore.Sqlite);
        await using var bench = await SeenAsync(
            store,
            _ => isFailing ? throw new CredentialsException(isOutage ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials) : Task.FromResult("a-token"));
        isFailing = true;
        bench.Clock.Advance(Positive);
        Assert.Equal(answer, await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "93")]
    public async Task Attestation_deleted_while_its_source_could_be_asked_does_not_come_back(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = new RemoteBench(archive: store.Store);
        var name = bench.Add();
        Assert.Equal(Allowed, await bench.AnswerAsync());
        await bench.ArchivedAsync();

        bench.StandIn.Delete(name);
        bench.Clock.Advance(Positive);
        Assert.Equal(Denied, await bench.AnswerAsync());
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(Down, await bench.AnswerAsync());
        await bench.ArchivedAsync();
        await using var other = new RemoteBench(archive: store.Another());
        (other.Evaluation.Options, other.Evaluation.Keys) = (bench.Evaluation.Options, bench.Evaluation.Keys);
        Assert.Equal(Down, await other.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "93")]
    public async Task One_of_two_deleted_goes_and_the_other_stays(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = new RemoteBench(archive: store.Store);
        var (one, two) = (new TestKey(), new TestKey());
        bench.Evaluation.Keys = [one, two];
        var name = bench.Add(key: one);
        Assert.Equal(Allowed, await bench.AnswerAsync());
        bench.Add(key: two);
        bench.Clock.Advance(Positive);
        Assert.Equal(Allowed, await bench.AnswerAsync());
        await bench.ArchivedAsync();
        bench.StandIn.Delete(name);
        bench.Clock.Advance(Positive);
        Assert.Equal(Allowed, await bench.AnswerAsync());
        await bench.ArchivedAsync();
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(Positive);

        bench.Evaluation.Keys = [two];
        Assert.Equal(Archived, await bench.AnswerAsync());
        bench.Clock.Advance(TimeSpan.FromSeconds(3));
        bench.Evaluation.Keys = [one];
        Assert.NotEqual(Archived, await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "93")]
    public async Task Note_that_is_gone_takes_its_archive_with_it(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = await SeenAsync(store);
        bench.StandIn.DeleteNote(RemoteBench.Note);
        bench.Clock.Advance(Positive);
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NOT_FOUND", await bench.AnswerAsync());
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(Down, await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "93")]
    public async Task What_is_archived_is_judged_anew_by_the_documents_of_today(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        await using var bench = await SeenAsync(store);
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(Positive);
        Assert.Equal(Archived, await bench.AnswerAsync());
        var (keys, options) = (bench.Evaluation.Keys, bench.Evaluation.Options);

        // Removed keys, revocations, ages and other projects' sources: each by itself.
        bench.Evaluation.Keys = [new TestKey()];
        Assert.Equal(Down, await bench.AnswerAsync());
        bench.Evaluation.Keys = keys;
        bench.Evaluation.Options = $"{options}revocations: [{{digest: '{Attestations.Image}', attestor: {Evaluation.Attestor}, reason: r, author: a}}]";
        Assert.Equal("Deny: DeniedByAttestor REVOKED", await bench.AnswerAsync());
        bench.Evaluation.Options = $"{options}revocations: [{{digest: '{Attestations.Image}', reason: r, author: a}}]";
        Assert.Equal("Deny: Revoked", await bench.AnswerAsync());
        bench.Evaluation.Options = $"{options}maxAttestationAge: 10m";
        Assert.Equal(Down, await bench.AnswerAsync());
        bench.Evaluation.Options = RemoteBench.Options("http://127.0.0.1:1");
        Assert.Equal(Down, await bench.AnswerAsync());
        bench.Evaluation.Options = options;
        Assert.Equal(Archived, await bench.AnswerAsync());
    }

    [Fact]
    public async Task Only_what_verified_is_archived()
    {
        await using var store = await TestStore.CreateAsync(TestStore.Sqlite);
        await using var bench = await SeenAsync(store);
        var other = new TestKey();
        bench.Add(key: other);
        bench.Clock.Advance(Positive);
        Assert.Equal(Allowed, await bench.AnswerAsync());
        await bench.ArchivedAsync();

        IEvidenceArchive archive = store.Store;
        Assert.Single(await archive.ReadAsync(bench.Question(Attestations.Image).ArchiveKey, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Without_a_store_nothing_speaks_for_a_source_that_is_down()
    {
        await using var bench = new RemoteBench();
        bench.Add();
        Assert.Equal(Allowed, await bench.AnswerAsync());
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(Positive);
        Assert.Equal(Down, await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Archive_is_no_document_and_changes_no_generation(string engine)
    {
        await using var store = await TestStore.CreateAsync(engine);
        var before = await store.Store.GenerationAsync(TestContext.Current.CancellationToken);
        await using var bench = await SeenAsync(store);
        Assert.Equal(before, await store.Store.GenerationAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1, bench.Metrics.Of(ArchiveOutcome.Written) > 0 ? 1 : 0);
    }

    [Fact]
    public async Task What_counts_now_is_preferred_to_the_archive()
    {
        await using var store = await TestStore.CreateAsync(TestStore.Sqlite);
        await using var bench = await SeenAsync(store);
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(Positive);
        bench.Evaluation.Stored = [Evidence.Tests.Attestations.Of(Attestations.Payload, bench.Evaluation.Key.Signature(Attestations.Payload))];

        var (_, decision) = await bench.Evaluation.AskAsync();
        Assert.Equal((Verdict.Allow, false), (decision.Verdict, decision.Stale));
    }

    /// <summary>A source whose one attestation was verified and archived.</summary>
    private static async Task<RemoteBench> SeenAsync(TestStore store, AccessTokenSource? tokens = null)
    {
        var bench = new RemoteBench(archive: store.Store, tokens: tokens);
        bench.Add();
        Assert.Equal(Allowed, await bench.AnswerAsync());
        await bench.ArchivedAsync();
        return bench;
    }
}
