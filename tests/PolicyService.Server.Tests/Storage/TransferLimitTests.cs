using System.Text;
using PolicyService.Core;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>What the store took at the limits of ids, depth and size is exported, served from there, and imported without loss.</summary>
public sealed class TransferLimitTests : IDisposable
{
    private const string Astral = "\U0001F600";

    private readonly TransferBench _bench = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(250)]
    [InlineData(251)]
    [InlineData(255)]
    [InlineData(256)]
    public async Task Ids_of_every_length_travel(int length)
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        // With dots wherever a name could be cut: what begins with one is hidden.
        var dots = new string('.', length - 2);
        var project = $"p{dots}p";
        foreach (var id in new[] { $"i{dots}1", $"i{dots}2" })
        {
            await TransferBench.PutAsync(test, StoredKind.Note, $"projects/{project}/notes/{id}", """{"kind": "ATTESTATION"}""");
            await TransferBench.PutAsync(
                test, StoredKind.Attestor, $"projects/{project}/attestors/{id}", $$$"""{"userOwnedGrafeasNote": {"noteReference": "projects/{{{project}}}/notes/{{{id}}}"}}""");
            await TransferBench.PutAsync(test, StoredKind.AttestorIam, $"projects/{project}/attestors/{id}", $$"""{"bindings": [{"role": "{{id[^1]}}"}]}""");
            foreach (var (platform, body) in new[] { ("gke", """{"gkePolicy": {}}"""), ("cloudRun", """{"cloudRunPolicy": {"rule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}}""") })
            {
                await TransferBench.PutAsync(test, StoredKind.PlatformPolicy, $"projects/{project}/platforms/{platform}/policies/{id}", body);
            }

            await TransferBench.AddAsync(test, Documents.Attestation(Documents.Digest(1), $"projects/{project}/notes/{id}"), project);
            await TransferBench.AddAsync(test, $$"""{"kind": "BUILD", "noteName": "projects/{{project}}/notes/{{id}}", "resourceUri": "x"}""", project);
        }

        await TransferBench.PutAsync(test, StoredKind.Policy, $"projects/{project}/policy", Documents.Fixed("ALWAYS_ALLOW"));
        await TransferBench.PutAsync(test, StoredKind.PolicyIam, $"projects/{project}/policy", """{"bindings": []}""");
        await TransferBench.PutAsync(test, StoredKind.ContinuousValidation, $"projects/{project}/continuousValidationConfig", "{}");
        await TransferBench.PutAsync(test, StoredKind.Options, $"projects/{project}/options", $$"""{"revocations": [{"digest": "{{Documents.Digest(9)}}", "reason": "r", "author": "a"}]}""");

        await ThereAndBackAsync(test, 14, 4);

        var served = await new DirectorySource(_bench.At("first"), TimeProvider.System).ReadAsync(Cancellation);
        Assert.Empty(served.Problems);
        var read = Assert.Single(served.Documents.Projects);
        Assert.Equal((project, 2, 4, 2, 1), (read.Id, read.Attestors.Count, read.PlatformPolicies.Count, read.Attestations.Count, read.Options.RevokedDigests.Count));
        Assert.NotNull(read.Policy);
    }

    [Theory]
    [InlineData(61)]
    [InlineData(62)]
    [InlineData(63)]
    [InlineData(64)]
    public async Task Every_depth_that_was_taken_travels(int depth)
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await TransferBench.PutAsync(test, StoredKind.Note, Documents.Note("build").Name, $$"""{"x": {{Nested(depth - 1)}} }""");
        await TransferBench.PutAsync(test, StoredKind.PolicyIam, Documents.Policy().Name, $$"""{"x": {{Nested(depth - 1)}} }""");
        await TransferBench.AddAsync(test, Build($", \"x\": {Nested(depth - 1)}"));
        await TransferBench.AddAsync(test, Documents.Attestation(Documents.Digest(1)));
        // A field that looks like the list of an export.
        await TransferBench.AddAsync(test, Build(""", "occurrences": [{"kind": "BUILD"}] """));

        await ThereAndBackAsync(test, 2, 3);

        Assert.Equal(1, await ServedAttestationsAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    [InlineData(110)]
    [InlineData(1000)]
    public async Task Every_size_that_was_taken_travels(int belowTheLimit)
    {
        var size = Limits.MessageBytes - belowTheLimit;
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await TransferBench.PutAsync(test, StoredKind.Note, Documents.Note("build").Name, Padded(size, "{\"kind\":\"ATTESTATION\""));
        await TransferBench.PutAsync(test, StoredKind.PolicyIam, Documents.Policy().Name, Padded(size, "{\"bindings\":[]"));
        await TransferBench.AddAsync(test, Padded(size, Build("")[..^1]));
        await TransferBench.AddAsync(test, Padded(size, Build("")[..^1], Astral));
        // What is kept of an attestation has to be readable with its name.
        var name = "\"name\":\"projects/acme/occurrences/01234567-0123-0123-0123-0123456789ab\",".Length;
        var attestation = Documents.Attestation(Documents.Digest(1)).Replace("\n", "", StringComparison.Ordinal).Replace(": ", ":", StringComparison.Ordinal).Replace(", ", ",", StringComparison.Ordinal)[..^1];
        attestation = attestation.Replace(", \"", ",\"", StringComparison.Ordinal);
        await TransferBench.AddAsync(test, Padded(size - name, attestation, field: "remediation"));

        await ThereAndBackAsync(test, 2, 3);

        // Where its name and times do not fit any more it travels, but is not served.
        Assert.Equal(belowTheLimit >= 110 ? 1 : 0, await ServedAttestationsAsync());
    }

    [Fact]
    public async Task Policy_as_large_as_it_may_be_is_exported_without_growing()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        var patterns = string.Join(',', Enumerable.Range(0, 50_000).Select(number => $$"""{"namePattern":"gcr.io/a/{{number}}"}"""));
        var policy = $$"""{"name":"projects/acme/policy","admissionWhitelistPatterns":[{{patterns}}],"defaultAdmissionRule":{"evaluationMode":"ALWAYS_DENY","enforcementMode":"ENFORCED_BLOCK_AND_AUDIT_LOG"}""";
        await TransferBench.PutAsync(test, StoredKind.Policy, Documents.Policy().Name, Padded(Limits.MessageBytes, policy, field: "description"));

        await ThereAndBackAsync(test, 1, 0);

        var served = await new DirectorySource(_bench.At("first"), TimeProvider.System).ReadAsync(Cancellation);
        Assert.Empty(served.Problems);
        Assert.NotNull(Assert.Single(served.Documents.Projects).Policy);
    }

    [Fact]
    public async Task Files_of_occurrences_end_before_they_are_too_large()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await TransferBench.PutAsync(test, StoredKind.Note, Documents.Note("build").Name, "{}");
        foreach (var (size, number) in new[] { 1_000_000, 3_900_000, 100, 600_000, 600_000, 100, 4_100_000, 100 }.Index().Select(one => (one.Item, one.Index)))
        {
            await TransferBench.AddAsync(test, Documents.Attestation(Documents.Digest(number)).Replace("\"kind\"", $"\"remediation\": \"{new string('r', size)}\", \"kind\"", StringComparison.Ordinal));
            await TransferBench.AddAsync(test, Build($", \"x\": \"{number}{new string('é', size / 2)}\""));
        }

        await ThereAndBackAsync(test, 1, 16);

        Assert.Equal(8, await ServedAttestationsAsync());
        Assert.All(Directory.GetFiles(_bench.At("first"), "*", SearchOption.AllDirectories), path => Assert.True(new FileInfo(path).Length <= Limits.MessageBytes, path));
    }

    public void Dispose() => _bench.Dispose();

    /// <summary>Exports, imports into an empty store, and compares: counts, files, contents.</summary>
    private async Task ThereAndBackAsync(TestStore test, int documents, int occurrences)
    {
        await using var target = TestStore.Empty(TestStore.Sqlite);
        var (code, output, error) = await TransferBench.RunAsync(test, "export", _bench.At("first"));
        Assert.True(code == 0 && output == $"exported {documents} documents and {occurrences} occurrences\n", $"{code} {output} {error}");
        Assert.Equal(
            (0, $"imported {documents} documents and {occurrences} occurrences; what was the same already stays as it is\n", ""), await TransferBench.RunAsync(target, "import", _bench.At("first")));
        Assert.Equal(0, (await TransferBench.RunAsync(target, "export", _bench.At("second"))).Code);
        // Not by Assert.Equal: it would print megabytes.
        Assert.True(_bench.Files("first").SequenceEqual(_bench.Files("second")), "the second export differs");
        var (before, after) = (await TransferBench.ContentAsync(test.Store), await TransferBench.ContentAsync(target.Store));
        Assert.True(before.SequenceEqual(after), "the second store differs");
    }

    private async Task<int> ServedAttestationsAsync()
    {
        var served = await new DirectorySource(_bench.At("first"), TimeProvider.System).ReadAsync(Cancellation);
        Assert.Empty(served.Problems);
        return served.Documents.Projects.Sum(project => project.Attestations.Count);
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static string Build(string more) => $$"""{"kind":"BUILD","noteName":"projects/acme/notes/build","resourceUri":"https://gcr.io/acme/api@{{Documents.Digest(1)}}"{{more}}}""";

    /// <summary>An open object closed by a field that brings it to a size.</summary>
    private static string Padded(int bytes, string open, string letter = "x", string field = "longDescription")
    {
        var start = $"{open},\"{field}\":\"";
        var (count, rest) = Math.DivRem(bytes - Encoding.UTF8.GetByteCount(start) - 2, Encoding.UTF8.GetByteCount(letter));
        return $"{start}{string.Concat(Enumerable.Repeat(letter, count))}{new string('y', rest)}\"}}";
    }
}
