using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using PolicyService.Server.Storage;
using PolicyService.Server.Storage.Transfers;

namespace PolicyService.Server.Tests.Storage;

/// <summary>An export that breaks off leaves nothing that could be taken for a whole one, and an import that is refused nothing at all.</summary>
public sealed class TransferFailureTests : IDisposable
{
    private const string Kms = "//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly TransferBench _bench = new();

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines))]
    public async Task Export_that_fails_leaves_its_target_empty(string engine)
    {
        await using var test = await FilledAsync(engine);
        await using var context = test.Database().CreateContext();
        Assert.Equal(1, await context.Database.ExecuteSqlRawAsync("UPDATE occurrences SET content = ''", Cancellation));
        Directory.CreateDirectory(_bench.At("target"));

        var failure = await Record.ExceptionAsync(async () =>
        {
            var (code, output, error) = await TransferBench.RunAsync(test, "export", _bench.At("target"));
            Assert.Equal((2, ""), (code, output));
            Assert.Contains("projects/acme/occurrences/", error, StringComparison.Ordinal);
        });

        Assert.Equal([_bench.At("target")], Directory.GetFileSystemEntries(_bench.Folder));
        Assert.Empty(Directory.GetFileSystemEntries(_bench.At("target")));
        Assert.Null(failure);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Export_that_is_broken_off_or_killed_puts_nothing_at_its_target(bool isKilled)
    {
        await using var test = await FilledAsync(TestStore.Postgres);
        // Documents are read, policies before options; occurrences wait.
        await using var context = test.Database().CreateContext();
        await using var transaction = await context.Database.BeginTransactionAsync(Cancellation);
        await context.Database.ExecuteSqlRawAsync("LOCK TABLE occurrences IN ACCESS EXCLUSIVE MODE", Cancellation);
        using var stopping = new CancellationTokenSource();
        using var process = isKilled ? Start(test) : null;
        var export = isKilled ? process!.WaitForExitAsync(Cancellation) : StoreExport.RunAsync(test.Store, _bench.At("target"), stopping.Token);

        await Eventually.Holds("the options are written", () => _bench.FilesNamed("options.json").Length == 1);
        Assert.False(Directory.Exists(_bench.At("target")));
        if (isKilled)
        {
            process!.Kill();
            await export;
        }
        else
        {
            await stopping.CancelAsync();
            await Assert.ThrowsAnyAsync<Exception>(() => export);
            Assert.Empty(Directory.GetFileSystemEntries(_bench.Folder));
        }

        Assert.False(Directory.Exists(_bench.At("target")));
    }

    [Fact]
    public async Task Export_takes_the_place_of_an_empty_directory_with_its_rights_and_of_nothing_else()
    {
        await using var test = await FilledAsync(TestStore.Sqlite);
        Directory.CreateDirectory(_bench.At("empty"));
        TransferBench.SetMode(_bench.At("empty"), Private);
        Directory.CreateSymbolicLink(_bench.At("link"), _bench.At("empty"));
        Assert.Equal(0, (await TransferBench.RunAsync(test, "export", _bench.At("link") + "/")).Code);
        Assert.True(File.Exists(_bench.At("empty", "projects", "acme", "options.json")));
        Assert.Equal(Private, TransferBench.ModeOf(_bench.At("empty")));
        Assert.Equal(_bench.At("empty"), new DirectoryInfo(_bench.At("link")).LinkTarget);

        Assert.Equal(0, (await TransferBench.RunAsync(test, "export", _bench.At("new", "inner"))).Code);
        Assert.Equal(_bench.Files("empty"), _bench.Files("new/inner"));

        _bench.Write("taken/x", "x");
        _bench.Write("file", "x");
        foreach (var place in new[] { "taken", "file", "empty", "file/x" })
        {
            Assert.Equal(2, (await TransferBench.RunAsync(test, "export", _bench.At(place))).Code);
        }

        Assert.Equal(["x\nx"], _bench.Files("taken"));
        Assert.Equal(5, Directory.GetFileSystemEntries(_bench.Folder).Length);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Import_of_an_occurrence_whose_name_another_one_has_is_refused(string engine)
    {
        await using var test = await FilledAsync(engine);
        Assert.Equal(0, (await TransferBench.RunAsync(test, "export", _bench.At("x"))).Code);
        var path = _bench.At("x", "projects", "acme", "attestations", "occurrences-000001.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace(Documents.Digest(1), Documents.Digest(2), StringComparison.Ordinal));
        var before = await test.Store.GenerationAsync(Cancellation);

        var (code, _, error) = await TransferBench.RunAsync(test, "import", _bench.At("x"));

        Assert.Equal(2, code);
        Assert.Contains("attestations/occurrences-000001.json", error, StringComparison.Ordinal);
        Assert.Contains("is there already, and another one", error, StringComparison.Ordinal);
        Assert.Equal(before, await test.Store.GenerationAsync(Cancellation));
        Assert.Contains(Documents.Digest(1), Assert.Single(await TransferBench.ContentAsync(test.Store), one => one.Contains("resourceUri", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("7")]
    [InlineData("""{"occurrences": {}}""")]
    [InlineData("""{"occurrences": [], "more": 1}""")]
    [InlineData("""{"kind": "BUILD", "kind": "BUILD"}""")]
    [InlineData("""[{"kind": "BUILD", "x": "\ud800"}]""")]
    [InlineData("""[{"kind": "BUILD", "noteName": "projects/acme/notes/build", "resourceUri": "x", "createTime": "yesterday"}]""")]
    [InlineData("""[{"kind": "BUILD", "noteName": "projects/acme/notes/build", "resourceUri": "x", "createTime": 1}]""")]
    [InlineData("deep")]
    [InlineData("long")]
    [InlineData("\u00ff")]
    public async Task Import_of_occurrences_that_cannot_be_read_is_refused(string text)
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        const string Name = "x/projects/acme/store/occurrences/o.json";
        _bench.Write(Name, text switch
        {
            "deep" => $$"""[{"kind": "BUILD", "noteName": "projects/acme/notes/build", "resourceUri": "x", "y": {{new string('[', 64)}}{{new string(']', 64)}} }]""",
            "long" => $$"""[{"kind": "BUILD", "noteName": "projects/acme/notes/build", "resourceUri": "x", "y": "{{new string('y', 5 * 1024 * 1024)}}"}]""",
            _ => text,
        });
        if (text == "\u00ff")
        {
            File.WriteAllBytes(_bench.At(Name), [(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        }

        var (code, _, error) = await TransferBench.RunAsync(test, "import", _bench.At("x"));

        Assert.True(code == 2 && error.Contains("projects/acme/store/occurrences/o.json", StringComparison.Ordinal), $"{code} {error}");
        Assert.Equal(1, error.Count(character => character == '\n'));
    }

    [Fact]
    public async Task KMS_key_that_the_options_do_not_pin_comes_neither_by_import_nor_by_rollback()
    {
        var attestor = $$$"""{"name": "projects/acme/attestors/kms", "userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/build", "publicKeys": [{"id": "{{{Kms}}}"}]}}""";
        var pins = $$$"""{"pinnedKeys": {"{{{Kms}}}": "{{{Documents.Digest(7)}}}"}}""";
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        _bench.Write("x/projects/acme/attestors/kms.json", attestor);
        _bench.Write("x/projects/acme/options.json", "{}");

        var (code, _, error) = await TransferBench.RunAsync(test, "import", _bench.At("x"));
        Assert.True(code == 2 && error.Contains("pinnedKeys of the project's options does not pin it", StringComparison.Ordinal), $"{code} {error}");
        Assert.Empty(await TransferBench.ContentAsync(test.Store));

        // Pinned by the same import, and by what the store has already.
        _bench.Write("x/projects/acme/options.json", pins);
        Assert.Equal(0, (await TransferBench.RunAsync(test, "import", _bench.At("x"))).Code);
        File.Delete(_bench.At("x", "projects", "acme", "options.json"));
        Assert.Equal(0, (await TransferBench.RunAsync(test, "import", _bench.At("x"))).Code);

        var key = Documents.Attestor("kms");
        var number = Assert.Single((await test.Store.HistoryAsync(key, 10, Cancellation)).Revisions).Number;
        await test.Store.DeleteAsync(key, "", "x", Cancellation);
        Assert.IsType<StoreOutcome.Written>(await test.Store.RollbackAsync(key, number, "x", Cancellation));
        await TransferBench.PutAsync(test, StoredKind.Options, "projects/acme/options", "{}");
        var refused = Assert.IsType<StoreOutcome.Invalid>(await test.Store.RollbackAsync(key, number, "x", Cancellation));
        Assert.Contains("does not pin it", refused.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Project_of_the_directory_is_changed_neither_by_import_nor_by_rollback()
    {
        await using var test = await FilledAsync(TestStore.Sqlite);
        Assert.Equal(0, (await TransferBench.RunAsync(test, "export", _bench.At("x"))).Code);
        await test.Store.DeleteAsync(Documents.Policy(), "", "x", Cancellation);
        var gone = (await test.Store.HistoryAsync(Documents.Policy(), 10, Cancellation)).Revisions;
        await DocumentTests.WrittenAsync(test.Store.RollbackAsync(Documents.Policy(), gone[1].Number, "x", Cancellation));
        var before = await test.Store.GenerationAsync(Cancellation);
        test.Store.IsElsewhere = project => project == "acme";

        Assert.Equal("name", Assert.IsType<StoreOutcome.Invalid>(await test.Store.RollbackAsync(Documents.Policy(), gone[0].Number, "x", Cancellation)).Field);
        Assert.Equal("name", Assert.IsType<StoreOutcome.Invalid>(await test.Store.RollbackAsync(Documents.Policy(), gone[1].Number, "x", Cancellation)).Field);
        foreach (var kind in new[] { StoredKind.PolicyIam, StoredKind.Policy, StoredKind.Options })
        {
            var content = StoreImport.Read(_bench.At("x"));
            var one = new ImportContent(content.Documents.Where(document => document.Key.Kind == kind).ToDictionary(), []);
            Assert.Single(one.Documents);
            Assert.IsType<StoreOutcome.Invalid>(await test.Store.ImportAsync(one, "x", Cancellation));
        }

        Assert.Equal(before, await test.Store.GenerationAsync(Cancellation));
        // Notes and occurrences are anybody's.
        Assert.IsType<StoreOutcome.Written>(await test.Store.PutAsync(Documents.Note("build"), """{"shortDescription": "x"}""", "", "x", Cancellation));
    }

    public void Dispose() => _bench.Dispose();

    /// <summary>A policy that allows everything but one digest that is revoked.</summary>
    private static async Task<TestStore> FilledAsync(string engine)
    {
        var test = await TestStore.CreateAsync(engine);
        await TransferBench.PutAsync(test, StoredKind.Note, Documents.Note("build").Name, "{}");
        await TransferBench.PutAsync(test, StoredKind.Policy, Documents.Policy().Name, Documents.Fixed("ALWAYS_ALLOW"));
        await TransferBench.PutAsync(test, StoredKind.PolicyIam, Documents.Policy().Name, """{"bindings": []}""");
        await TransferBench.PutAsync(test, StoredKind.Options, Documents.Options().Name, $$"""{"revocations": [{"digest": "{{Documents.Digest(9)}}", "reason": "r", "author": "a"}]}""");
        await TransferBench.AddAsync(test, Documents.Attestation(Documents.Digest(1)));
        return test;
    }

    private System.Diagnostics.Process Start(TestStore test) => System.Diagnostics.Process.Start(new ProcessStartInfo(
        "dotnet", [Path.Combine(AppContext.BaseDirectory, "PolicyService.Server.dll"), "store", "export", _bench.At("target"), .. test.Arguments]))!;
}
