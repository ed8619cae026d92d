using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>The client against a server that was written for another one.</summary>
public sealed class GcloudContainerAnalysisTests
{
    public static TheoryData<string> Server => [GcloudContainerAnalysis.Name];

    [Theory, MemberData(nameof(Server))]
    public async Task Attestation_is_found_and_missed_as_it_has_it_over_many_pages(string server)
    {
        TestContext.Current.SendDiagnosticMessage(server);
        await using var stub = await GcloudContainerAnalysis.StartAsync();
        await using var bench = new RemoteBench(url: stub.Url, tokens: _ => Task.FromResult(GcloudContainerAnalysis.Token));

        // No note is an error and no absence.
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:NOT_FOUND", await bench.AnswerAsync());
        await stub.MakeNoteAsync("acme", "qa");
        bench.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await bench.AnswerAsync());

        for (var number = 0; number < 101; number++)
        {
            await stub.MakeAsync("other", RemoteBench.Occurrence(new TestKey()));
        }

        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("Deny: DeniedByAttestor KEY_UNKNOWN", await bench.AnswerAsync());

        var name = await stub.MakeAsync("other", RemoteBench.Occurrence(bench.Evaluation.Key));
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());

        await stub.DeleteAsync(name);
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("Deny: DeniedByAttestor KEY_UNKNOWN", await bench.AnswerAsync());
    }

    [Theory, MemberData(nameof(Server)), Trait("attack", "83")]
    public async Task Refusal_of_its_own_kind_is_a_class_and_no_absence(string server)
    {
        TestContext.Current.SendDiagnosticMessage(server);
        await using var stub = await GcloudContainerAnalysis.StartAsync();
        await using var bench = new RemoteBench(url: stub.Url);
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:UNAUTHENTICATED", await bench.AnswerAsync());
    }
}
