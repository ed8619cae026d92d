using System.Text.Json.Nodes;
using PolicyService.Core;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Evidence.Grafeas;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>What a Container Analysis elsewhere sends is judged here: its filter, its names and its word are not trusted.</summary>
public sealed class RemoteTrustTests : IAsyncDisposable
{
    private const string Denied = "Deny: DeniedByAttestor NO_ATTESTATION";

    private readonly RemoteBench _bench = new();

    /// <summary>Occurrences that are not what was asked for, or none that can be read. Each would count if it were believed.</summary>
    public static TheoryData<string, Action<JsonObject>> SetAside => new()
    {
        { "another note", one => one["noteName"] = "projects/acme/notes/other" },
        { "the note of another project", one => one["noteName"] = "projects/other/notes/qa" },
        { "a note that differs in case", one => one["noteName"] = "projects/acme/notes/QA" },
        { "another digest", one => one["resourceUri"] = $"https://a.test/i@{Digest.Of("other"u8)}" },
        { "a digest before another", one => one["resourceUri"] = $"https://a.test/i@{Attestations.Image}@{Digest.Of("other"u8)}" },
        { "no resource", one => one.Remove("resourceUri") },
        { "another kind", one => one["kind"] = "BUILD" },
        { "no kind", one => one.Remove("kind") },
        { "a kind that is no text", one => one["kind"] = 5 },
        { "no attestation", one => one.Remove("attestation") },
        { "an attestation that is text", one => one["attestation"] = "x" },
        { "signatures that are text", one => one["attestation"]!["signatures"] = "x" },
        { "a signature that is text", one => one["attestation"]!["signatures"] = new JsonArray("x") },
        { "a payload that is no base64", one => one["attestation"]!["serializedPayload"] = "?" },
        { "a time that is none", one => one["createTime"] = "yesterday" },
    };

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory, MemberData(nameof(SetAside))]
    public async Task What_was_not_asked_for_or_cannot_be_read_is_set_aside_and_hurts_no_other(string name, Action<JsonObject> change)
    {
        var bad = RemoteBench.Occurrence(_bench.Evaluation.Key);
        (bad["name"], bad["createTime"]) = ("projects/acme/occurrences/bad", "2026-03-04T05:06:07Z");
        change(bad);
        var good = RemoteBench.Occurrence(_bench.Evaluation.Key);
        var isAlone = true;
        _bench.StandIn.Body = _ => $$"""{"occurrences": [{{bad.ToJsonString()}}{{(isAlone ? "" : $",{good.ToJsonString()}")}}]}""";

        Assert.True(Denied == await _bench.AnswerAsync(), name);
        isAlone = false;
        _bench.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
    }

    [Fact]
    public async Task Filter_that_the_other_side_ignores_is_applied_here()
    {
        _bench.StandIn.IgnoresFilter = true;
        _bench.Add(one => one["resourceUri"] = $"https://a.test/i@{Digest.Of("other"u8)}");
        Assert.Equal(Denied, await _bench.AnswerAsync());
    }

    [Fact]
    public async Task Fields_that_nobody_knew_are_passed_over()
    {
        _bench.Add(one =>
        {
            (one["updateTime"], one["envelope"], one["ofTheFuture"]) = ("2026-03-04T05:06:07Z", new JsonObject { ["payload"] = "eA==" }, new JsonArray(1, 2));
            one["attestation"]!["ofTheFuture"] = 1;
            one["attestation"]!["signatures"]![0]!["ofTheFuture"] = true;
        });

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
    }

    [Theory]
    [InlineData("payload", 0, "Deny: DeniedByAttestor SIGNATURE_INVALID")]
    [InlineData("payload", 1, "Deny: EvidenceLimit")]
    [InlineData("signature", 0, "Deny: DeniedByAttestor SIGNATURE_INVALID")]
    [InlineData("signature", 1, "Deny: EvidenceLimit")]
    public async Task Attestation_beyond_a_limit_is_no_absence(string what, int beyond, string answer)
    {
        _bench.Add(one =>
        {
            if (what == "payload")
            {
                one["attestation"]!["serializedPayload"] = Convert.ToBase64String(new byte[Limits.PayloadBytes + beyond]);
            }
            else
            {
                one["attestation"]!["signatures"]![0]!["signature"] = Convert.ToBase64String(new byte[Limits.SignatureBytes + beyond]);
            }
        });

        Assert.StartsWith(answer, await _bench.AnswerAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signature_that_does_not_verify_counts_for_nothing()
    {
        _bench.StandIn.Add(RemoteBench.Occurrence(_bench.Evaluation.Key, flipped: true));
        Assert.Equal("Deny: DeniedByAttestor SIGNATURE_INVALID", await _bench.AnswerAsync());
    }

    [Theory]
    [InlineData("[other]")]
    [InlineData("[]")]
    public async Task Note_of_a_project_that_is_not_listed_is_not_there_and_the_reason_says_so(string projects)
    {
        _bench.Add();
        _bench.Evaluation.Options = RemoteBench.Options(_bench.StandIn.Url, projects: projects);

        var (_, decision) = await _bench.Evaluation.AskAsync();

        Assert.Equal(Verdict.Deny, decision.Verdict);
        Assert.Contains("not among containerAnalysis.projects", Assert.Single(decision.Reasons).Text, StringComparison.Ordinal);
        Assert.Empty(_bench.StandIn.Calls);
    }

    [Fact, Trait("attack", "33")]
    public async Task Answer_for_one_project_or_source_is_never_anothers()
    {
        _bench.Add();
        var question = _bench.Question(Attestations.Image);
        await _bench.Remote.OfAsync(question, TestContext.Current.CancellationToken);

        // The same list, asked for by another project: its own question, whose credentials and documents are its own.
        await _bench.Remote.OfAsync(question with { Project = "other" }, TestContext.Current.CancellationToken);
        await _bench.Remote.OfAsync(RemoteBench.Question($"{_bench.StandIn.Url}/"), TestContext.Current.CancellationToken);
        Assert.Equal(2, _bench.StandIn.Calls.Count);

        ContainerAnalysisQuestion[] all =
        [
            question,
            question with { Project = "other" },
            question with { Parent = OccurrenceParent.Of(Attestations.Note("other")) },
            question with { Parent = OccurrenceParent.OfProject("acme") },
            question with { Digest = Digest.Of("other"u8) },
            RemoteBench.Question("https://containeranalysis.test"),
        ];
        Assert.Equal(all.Length, all.Select(one => one.Shared.Key).Distinct().Count());
        Assert.Equal(all.Length, all.Select(one => one.ArchiveKey).Distinct().Count());
    }

    [Theory]
    [InlineData("2026-03-04T05:16:08Z", "maxAttestationAge: 50m", "Allow: Attested")]
    [InlineData("2026-03-04T05:16:06Z", "maxAttestationAge: 50m", "Deny: DeniedByAttestor EXPIRED")]
    [InlineData("2026-03-04T07:16:06Z", "maxAttestationAge: 50m", "Deny: DeniedByAttestor EXPIRED")]
    [InlineData(null, "maxAttestationAge: 50m", "Deny: DeniedByAttestor EXPIRED")]
    [InlineData(null, "bindRepository: true", "Allow: Attested")]
    public async Task Age_counts_from_the_time_that_the_source_says(string? created, string options, string answer)
    {
        var one = RemoteBench.Occurrence(_bench.Evaluation.Key);
        one["createTime"] = created;
        _bench.StandIn.Body = _ => $$"""{"occurrences": [{{one.ToJsonString()}}]}""";
        _bench.Evaluation.Options += options;

        Assert.Equal(answer, await _bench.AnswerAsync());
    }

    [Fact, Trait("attack", "93")]
    public async Task Revoked_pair_does_not_count_wherever_it_comes_from()
    {
        _bench.Add();
        _bench.Evaluation.Options += $"revocations: [{{digest: '{Attestations.Image}', attestor: {Evaluation.Attestor}, reason: r, author: a}}]";
        Assert.Equal("Deny: DeniedByAttestor REVOKED", await _bench.AnswerAsync());
    }

    [Fact]
    public async Task Documents_that_suffice_leave_the_source_alone()
    {
        _bench.StandIn.Fault = ContainerAnalysisFault.Silent;
        _bench.Evaluation.Stored = [Attestations.Of(Attestations.Payload, _bench.Evaluation.Key.Signature(Attestations.Payload))];

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
        Assert.Empty(_bench.StandIn.Calls);
    }
}
