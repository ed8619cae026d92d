using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Policies;

/// <summary>ATTACKS 94: whatever happens to the documents, a request sees exactly one version.</summary>
public sealed class SwapTests
{
    private const int Clients = 8;

    [Fact]
    public async Task Every_answer_is_of_one_version_while_two_are_swapped_as_fast_as_possible()
    {
        // The clock stands still, so the test itself looks at the documents after each swap.
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        var versions = new Dictionary<string, Verdict>(StringComparer.Ordinal)
        {
            [DocumentsFolder.EtagOf(DocumentsFolder.FixedPolicy("ALWAYS_ALLOW"))] = Verdict.Allow,
            [DocumentsFolder.EtagOf(DocumentsFolder.FixedPolicy("ALWAYS_DENY"))] = Verdict.Deny,
        };
        var (seen, wrong) = (new ConcurrentDictionary<string, int>(StringComparer.Ordinal), new ConcurrentQueue<string>());
        using var ending = new CancellationTokenSource();
        var asking = Enumerable.Range(0, Clients).Select(_ => Task.Run(
            async () =>
            {
                while (!ending.IsCancellationRequested)
                {
                    var response = await server.AskAsync(Ask.For(Ask.Attested));
                    seen.AddOrUpdate(response.PolicyEtag, 1, (_, count) => count + 1);
                    if (!versions.TryGetValue(response.PolicyEtag, out var verdict) || verdict != response.Verdict)
                    {
                        wrong.Enqueue($"{response}");
                    }
                }
            },
            TestContext.Current.CancellationToken)).ToArray();

        var swaps = 0;
        await Eventually.Holds("every client met both versions many times", async () =>
        {
            for (var turn = 0; turn < 20; turn++, swaps++)
            {
                server.Documents.Write("policy.yaml", DocumentsFolder.FixedPolicy(swaps % 2 == 0 ? "ALWAYS_DENY" : "ALWAYS_ALLOW"));
                await server.PollAsync();
            }

            return seen.Count >= 2 && seen.Values.All(count => count > 200);
        });
        await ending.CancelAsync();
        await Task.WhenAll(asking);

        TestContext.Current.TestOutputHelper!.WriteLine($"{swaps} swaps, {seen.Values.Sum()} answers");
        Assert.Empty(wrong);
        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task ConfigMap_swapped_whole_never_shows_a_mix()
    {
        // Policy k needs attestor k, which only version k defines: a mix of two versions dangles.
        var documents = new DocumentsFolder();
        Mount(documents, 0);
        File.CreateSymbolicLink(Path.Combine(documents.Path, "policy.yaml"), "..data/policy.yaml");
        Directory.CreateSymbolicLink(Path.Combine(documents.Path, "attestors"), "..data/attestors");
        await using var server = await TestServer.StartAsync(documents);
        Assert.EndsWith("/a0", (await server.AskAsync(Ask.For(Ask.Attested))).Reasons[0].Attestor, StringComparison.Ordinal);

        var (version, answers) = (0, 0);
        await Eventually.Holds("many versions came and went", async () =>
        {
            Mount(documents, ++version);
            for (var asked = 0; asked < 10; asked++, answers++)
            {
                var response = await server.AskAsync(Ask.For(Ask.Attested));
                Assert.Equal(ReasonCode.DeniedByAttestor, Assert.Single(response.Reasons).Code);
            }

            return version >= 100;
        });
        await Eventually.Holds("the last version is in force", async () =>
            (await server.AskAsync(Ask.For(Ask.Attested))).Reasons[0].Attestor.EndsWith($"/a{version}", StringComparison.Ordinal));
    }

    /// <summary>Writes a version beside the one mounted and swaps the link to it, as a kubelet does.</summary>
    private static void Mount(DocumentsFolder documents, int version)
    {
        using var signer = new Signer($"a{version}");
        documents.Write($"..v{version}/policy.yaml", DocumentsFolder.Policy(signer.Attestor));
        documents.Write($"..v{version}/attestors/a.yaml", signer.Document());
        var link = Path.Combine(documents.Path, "..data_tmp");
        Directory.CreateSymbolicLink(link, $"..v{version}");
        Native.Rename(link, Path.Combine(documents.Path, "..data"));
    }
}
