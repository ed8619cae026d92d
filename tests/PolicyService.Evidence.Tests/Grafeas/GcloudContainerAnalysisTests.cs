using System.Text.Json.Nodes;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>The client against a server that was written for another one.</summary>
public sealed class GcloudContainerAnalysisTests
{
    [Fact]
    public async Task Attestation_is_found_and_missed_as_the_stub_has_it_over_many_pages()
    {
        Assert.SkipWhen(GcloudContainerAnalysis.Script is null, "gcloud_stub.py or Python is not here");
        using var stub = await GcloudContainerAnalysis.StartAsync();
        await using var bench = new RemoteBench(url: stub.Url, tokens: _ => Task.FromResult(GcloudContainerAnalysis.Token));

        // No note is an error and no absence.
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NOT_FOUND", await bench.AnswerAsync());
        await stub.PostAsync("/v1/projects/acme/notes/?noteId=qa", new JsonObject { ["attestation"] = new JsonObject() });
        bench.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await bench.AnswerAsync());

        for (var number = 0; number < 101; number++)
        {
            await stub.PostAsync("/v1/projects/other/occurrences", RemoteBench.Occurrence(new TestKey()));
        }

        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("Deny: DeniedByAttestor KEY_UNKNOWN", await bench.AnswerAsync());

        var made = await stub.PostAsync("/v1/projects/other/occurrences", RemoteBench.Occurrence(bench.Evaluation.Key));
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());

        await stub.DeleteAsync($"/v1/{made["name"]}");
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("Deny: DeniedByAttestor KEY_UNKNOWN", await bench.AnswerAsync());
    }

    [Fact, Trait("attack", "83")]
    public async Task Refusal_of_its_own_kind_is_a_class_and_no_absence()
    {
        Assert.SkipWhen(GcloudContainerAnalysis.Script is null, "gcloud_stub.py or Python is not here");
        using var stub = await GcloudContainerAnalysis.StartAsync();
        await using var bench = new RemoteBench(url: stub.Url);
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:UNAUTHENTICATED", await bench.AnswerAsync());
    }
}
