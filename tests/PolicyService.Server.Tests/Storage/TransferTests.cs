using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;
using PolicyService.Server.Storage.Transfers;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Stores into directories and back, without loss; backups as the operations page has them.</summary>
public sealed class TransferTests : IDisposable
{
    private readonly Signer _signer = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("policyservice-transfer-");

    public static TheoryData<string, string> Ways => new() { { TestStore.Sqlite, TestStore.Postgres }, { TestStore.Postgres, TestStore.Sqlite } };

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Ways))]
    public async Task Export_and_import_carry_everything_between_the_databases(string from, string to)
    {
        await using var source = await TestStore.CreateAsync(from);
        await using var target = TestStore.Empty(to);
        await FillAsync(source.Store);

        Assert.Equal((0, "exported 13 documents and 4 occurrences\n", ""), await RunAsync(source, "export", At("first")));
        Assert.Equal((0, "imported 13 documents and 4 occurrences; what was the same already stays as it is\n", ""), await RunAsync(target, "import", At("first")));
        Assert.Equal((0, "exported 13 documents and 4 occurrences\n", ""), await RunAsync(target, "export", At("second")));

        Assert.Equal(Files("first"), Files("second"));
        // Times of attestations are those of the first store, so that an old one is no younger for having travelled.
        var before = await OccurrencesAsync(source.Store);
        Assert.Equal(before, await OccurrencesAsync(target.Store));
        Assert.Equal(4, before.Count);

        // Once more changes nothing, and keeps the etags.
        var policy = await target.Store.GetAsync(Documents.Policy(), Cancellation);
        Assert.Equal((0, "imported 0 documents and 0 occurrences; what was the same already stays as it is\n", ""), await RunAsync(target, "import", At("first")));
        Assert.Equal(policy, await target.Store.GetAsync(Documents.Policy(), Cancellation));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Exported_directory_and_store_are_one_version_of_the_documents(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await FillAsync(test.Store);
        await RunAsync(test, "export", At("x"));

        var ofStore = await new StoreSource(test.Another(), withAccess: false).ReadAsync(Cancellation);
        var ofDirectory = await new DirectorySource(At("x"), TimeProvider.System).ReadAsync(Cancellation);

        Assert.Empty(ofDirectory.Problems);
        Assert.Equal(ofStore.Documents.Projects.Select(Told), ofDirectory.Documents.Projects.Where(project => project.Policy is not null).Select(Told));
        Assert.NotNull(ofDirectory.Documents.Clusters);
        Assert.Equal(3, ofDirectory.Documents.Projects.Sum(project => project.Attestations.Count));

        static string Told(PolicyService.Core.Policies.ProjectDocuments project) =>
            $"{project.Id}: {project.Policy?.DefaultRule.Evaluation}, {string.Join(' ', project.Attestors.Select(attestor => $"{attestor.Name} {attestor.Keys.Count}"))}, {string.Join(' ', project.PlatformPolicies.Select(policy => policy.Name))}, {project.Options.RevokedDigests.Count}";
    }

    [Fact]
    public async Task Directory_that_people_write_is_imported_whole()
    {
        using var folder = DocumentsFolder.Standard(_signer);
        folder.Write("options.yaml", "maxAttestationAge: 24h\nbindRepository: true\nrevocations: []\n");
        folder.Write("projects/second/policy.yaml", "description: 007\n" + DocumentsFolder.FixedPolicy("ALWAYS_DENY", "second"));
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);

        // One note is made for the attestor: a directory has none.
        Assert.Equal((0, "imported 4 documents and 1 occurrences; what was the same already stays as it is\n", ""), await RunAsync(test, "import", folder.Path));

        var options = Assert.IsType<StoreOutcome.Found>(await test.Store.GetAsync(Documents.Options(), Cancellation)).Document.Content;
        Assert.Equal("""{"maxAttestationAge":"24h","bindRepository":true,"revocations":[]}""", options);
        Assert.Contains("\"description\":\"007\"", Assert.IsType<StoreOutcome.Found>(await test.Store.GetAsync(Documents.Policy("second"), Cancellation)).Document.Content, StringComparison.Ordinal);
        Assert.IsType<StoreOutcome.Found>(await test.Store.GetAsync(Documents.Note("build"), Cancellation));
        Assert.Equal("2026-01-01T00:00:00Z", Rfc3339.Write(Assert.Single(await OccurrencesAsync(test.Store)).CreateTime));
    }

    [Fact]
    public async Task Import_that_is_refused_leaves_nothing()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        var before = await test.Store.GenerationAsync(Cancellation);
        foreach (var (file, text, problem) in new[]
        {
            ("policy.yaml", "name: [", "policy.yaml"),
            ("policy.yaml", DocumentsFolder.Policy("projects/acme/attestors/missing"), "projects/acme/policy requireAttestationsBy"),
            ("attestations/bad.json", """{"kind": "ATTESTATION"}""", "attestations/bad.json"),
            ("projects/acme/store/notes/a b.json", "{}", "is no file of an export"),
        })
        {
            using var folder = new DocumentsFolder();
            folder.Write("projects/other/policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_ALLOW", "other"));
            folder.Write(file, text);

            var (code, _, error) = await RunAsync(test, "import", folder.Path);

            Assert.True(code == 2 && error.Contains(problem, StringComparison.Ordinal), $"{file}: {code} {error}");
            Assert.Equal(1, error.Count(character => character == '\n'));
        }

        Assert.Equal(before, await test.Store.GenerationAsync(Cancellation));
        Assert.IsType<StoreOutcome.NotFound>(await test.Store.GetAsync(Documents.Policy("other"), Cancellation));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task History_is_listed_compared_and_rolled_back(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "alice", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_ALLOW", "é"), "", "bob", Cancellation));
        var name = Documents.Policy().Name;

        var listed = (await RunAsync(test, "history", "list", name)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches("^ +\\d+  \\S+ +changed  bob$", listed[0]);
        Assert.Matches("^ +\\d+  \\S+ +created  alice$", listed[1]);
        var numbers = listed.Select(line => line.Trim().Split(' ')[0]).ToArray();

        var diff = (await RunAsync(test, "history", "diff", name)).Output;
        Assert.Contains("-     \"evaluationMode\": \"ALWAYS_DENY\"", diff, StringComparison.Ordinal);
        Assert.Contains("+     \"evaluationMode\": \"ALWAYS_ALLOW\"", diff, StringComparison.Ordinal);
        Assert.Contains("+   \"description\": \"\\u00E9\"", diff, StringComparison.Ordinal);
        Assert.Equal(diff, (await RunAsync(test, "history", "diff", name, numbers[1], numbers[0])).Output);
        Assert.All((await RunAsync(test, "history", "diff", name, numbers[1])).Output.TrimEnd().Split('\n'), line => Assert.StartsWith("+ ", line, StringComparison.Ordinal));

        Assert.Equal(0, (await RunAsync(test, "history", "rollback", name, numbers[1])).Code);
        var now = Assert.IsType<StoreOutcome.Found>(await test.Store.GetAsync(Documents.Policy(), Cancellation)).Document;
        Assert.Contains("ALWAYS_DENY", now.Content, StringComparison.Ordinal);
        Assert.StartsWith("policyctl by ", (await test.Store.HistoryAsync(Documents.Policy(), 1, Cancellation)).Revisions[0].Author, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_usage_says_what_is_right()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        File.WriteAllText(At("taken"), "x");
        foreach (var words in new string[][]
        {
            [], ["export"], ["export", _folder.FullName], ["import", At("nowhere")], ["history", "list", "x"], ["history", "list", "projects/acme/policy"], ["history", "diff", "projects/acme/policy", "x"],
            ["history", "rollback", "projects/acme/policy", "1"], ["drop"],
        })
        {
            var (code, _, error) = await RunAsync(test, words);
            Assert.True(code == 2 && error.Length > 0, $"{string.Join(' ', words)}: {code} {error}");
        }

        Assert.Equal(2, await StoreCommand.RunAsync(["export", At("y")], TextWriter.Null, TextWriter.Null, TimeProvider.System, Cancellation));
        Assert.Equal(2, await StoreCommand.RunAsync(["export", At("y"), "--Store:Path", At("none.db")], TextWriter.Null, TextWriter.Null, TimeProvider.System, Cancellation));
        Assert.False(File.Exists(At("none.db")));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Backup_made_while_the_service_writes_restores_a_whole_state(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await FillAsync(test.Store);
        var policy = Assert.IsType<StoreOutcome.Found>(await test.Store.GetAsync(Documents.Policy(), Cancellation)).Document;
        var source = new StoreSource(test.Another(), withAccess: false);
        var generation = (await source.ReadAsync(Cancellation)).Generation;
        await using var restored = TestStore.Empty(engine);

        await BackUpAsync(test, restored, At("backup"));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));

        await restored.Store.MigrateAsync(Cancellation);
        Assert.Equal(new StoreOutcome.Found(policy), await restored.Store.GetAsync(Documents.Policy(), Cancellation));
        Assert.Equal(await OccurrencesAsync(test.Store), await OccurrencesAsync(restored.Store));
        Assert.Single((await restored.Store.HistoryAsync(Documents.Policy(), 10, Cancellation)).Revisions);
        Assert.Equal(generation, (await restored.Store.GenerationAsync(Cancellation)).Value);

        // The same number is reached again by another write: a replica that was away in between must notice.
        await DocumentTests.WrittenAsync(restored.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation));
        var (one, two) = (await test.Store.GenerationAsync(Cancellation), await restored.Store.GenerationAsync(Cancellation));
        Assert.Equal(one.Value, two.Value);
        Assert.NotEqual(one, two);
    }

    public void Dispose()
    {
        _signer.Dispose();
        _folder.Delete(recursive: true);
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private string[] Files(string directory) =>
        [.. Directory.GetFiles(At(directory), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => $"{Path.GetRelativePath(At(directory), path)}\n{File.ReadAllText(path)}")];

    private static async Task<(int Code, string Output, string Error)> RunAsync(TestStore store, params string[] words)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var code = await StoreCommand.RunAsync([.. words, .. store.Arguments], output, error, TimeProvider.System, Cancellation);
        return (code, output.ToString(), error.ToString());
    }

    private static async Task<List<(string Name, string Content, DateTimeOffset CreateTime)>> OccurrencesAsync(DocumentStore store)
    {
        var all = new List<(string, string, DateTimeOffset)>();
        await store.ReadAllAsync(_ => { }, (_, one) => all.Add((one.Key.Name, one.Content, one.CreateTime)), Cancellation);
        return all;
    }

    /// <summary>By the commands of docs/operations.md.</summary>
    private static async Task BackUpAsync(TestStore from, TestStore to, string file)
    {
        if (from.Arguments[0] == "--Store:Path")
        {
            await using var context = from.Database().CreateContext();
            await context.Database.ExecuteSqlAsync($"VACUUM INTO {file}", Cancellation);
            File.Copy(file, to.Address);
            return;
        }

        await RunAsync("pg_dump", from.Address, "--format", "custom", "--file", file);
        await RunAsync("pg_restore", to.Address, "--exit-on-error", "--single-transaction", file);

        static async Task RunAsync(string program, string connection, params string[] arguments)
        {
            var builder = new NpgsqlConnectionStringBuilder(connection);
            string[] place = ["--host", builder.Host!, "--port", $"{builder.Port}", "--username", builder.Username!, "--dbname", builder.Database!];
            using var process = System.Diagnostics.Process.Start(new ProcessStartInfo(PostgresServer.Binary(program), [.. place, .. arguments]) { RedirectStandardError = true })!;
            var error = await process.StandardError.ReadToEndAsync(Cancellation);
            await process.WaitForExitAsync(Cancellation);
            Assert.True(process.ExitCode == 0, error);
        }
    }

    /// <summary>Every kind of document, occurrences of several kinds and projects.</summary>
    private async Task FillAsync(DocumentStore store)
    {
        foreach (var (kind, name, json) in new[]
        {
            (StoredKind.Note, "projects/acme/notes/build", """{"kind": "ATTESTATION", "x": 1.50}"""),
            (StoredKind.Note, "projects/other.com:q/notes/build", "{}"),
            (StoredKind.Attestor, "projects/acme/attestors/build", _signer.Document()),
            (StoredKind.AttestorIam, "projects/acme/attestors/build", """{"bindings": [{"role": "r", "members": ["user:é"]}]}"""),
            (StoredKind.Policy, "projects/acme/policy", Documents.Requiring(_signer.Attestor)),
            (StoredKind.Policy, "projects/other.com:q/policy", Documents.Fixed("ALWAYS_ALLOW")),
            (StoredKind.PolicyIam, "projects/acme/policy", """{"bindings": []}"""),
            (StoredKind.PlatformPolicy, "projects/acme/platforms/gke/policies/base", """{"gkePolicy": {"checkSets": []}}"""),
            (StoredKind.PlatformPolicy, "projects/acme/platforms/cloudRun/policies/base", """{"cloudRunPolicy": {"rule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}}"""),
            (StoredKind.Options, "projects/acme/options", $$"""{"revocations": [{"digest": "{{Documents.Digest(9)}}", "reason": "r", "author": "a"}]}"""),
            (StoredKind.ContinuousValidation, "projects/acme/continuousValidationConfig", """{"enforcementPolicyConfig": {"enabled": true}}"""),
            (StoredKind.SystemPolicy, "locations/global/policy", """{"admissionWhitelistPatterns": [{"namePattern": "registry.k8s.io/**"}], "defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}"""),
            (StoredKind.Clusters, "clusters", """{"clusters": {}, "default": {"project": "acme", "platform": "GKE"}}"""),
        })
        {
            await DocumentTests.WrittenAsync(store.PutAsync(DocumentKey.Of(kind, name), json, "", "x", Cancellation));
        }

        foreach (var (project, json) in new[]
        {
            ("acme", _signer.Occurrence(Ask.Attested)), ("acme", Documents.Attestation(Documents.Digest(1))), ("pipelines", Documents.Attestation(Documents.Digest(2), "projects/other.com:q/notes/build")),
            ("acme", $$"""{"kind": "VULNERABILITY", "noteName": "projects/acme/notes/build", "resourceUri": "https://gcr.io/acme/api@{{Documents.Digest(1)}}", "vulnerability": {"cvssScore": 7.50} }"""),
        })
        {
            await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync(project, json, Cancellation));
        }
    }
}
