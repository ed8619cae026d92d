using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>An empty store on one of the two databases; further ones on the same database stand for other processes.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    public const string Sqlite = "SQLite";
    public const string Postgres = "PostgreSQL";

    private readonly DirectoryInfo? _folder;
    private readonly TimeProvider _time;
    private readonly List<DocumentStore> _stores = [];

    private TestStore(string engine, TimeProvider time, PostgresServer? server)
    {
        _time = time;
        if (engine == Sqlite)
        {
            _folder = Directory.CreateTempSubdirectory("policyservice-store-");
            Arguments = ["--Store:Path", Path.Combine(_folder.FullName, "store.db")];
        }
        else
        {
            Arguments = ["--Store:Postgres", (server ?? PostgresServer.Shared).CreateDatabase()];
        }

        Store = Another();
    }

    public static TheoryData<string> Engines => [Sqlite, Postgres];

    /// <summary>How a server is told to use it.</summary>
    public string[] Arguments { get; }

    /// <summary>Path of the file, or the connection string.</summary>
    public string Address => Arguments[1];

    public DocumentStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<TestStore> CreateAsync(string engine, TimeProvider? time = null, PostgresServer? server = null)
    {
        var store = new TestStore(engine, time ?? TimeProvider.System, server);
        await store.Store.MigrateAsync(Cancellation);
        return store;
    }

    /// <summary>The same where the tables are still to be made.</summary>
    public static TestStore Empty(string engine) => new(engine, TimeProvider.System, null);

    public StoreDatabase Database() => Arguments[0] == "--Store:Path" ? new SqliteDatabase(Address) : new PostgresDatabase(Address);

    /// <summary>Another store over connections of its own.</summary>
    public DocumentStore Another()
    {
        var store = new DocumentStore(Database(), _time);
        _stores.Add(store);
        return store;
    }

    public ValueTask DisposeAsync()
    {
        _stores.ForEach(store => store.Dispose());
        _folder?.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Keys and documents of the tests.</summary>
internal static class Documents
{
    public const string Author = "alice@example.com";

    public static DocumentKey Policy(string project = "acme") => DocumentKey.Of(StoredKind.Policy, $"projects/{project}/policy");

    public static DocumentKey Attestor(string id, string project = "acme") => DocumentKey.Of(StoredKind.Attestor, $"projects/{project}/attestors/{id}");

    public static DocumentKey Note(string id, string project = "acme") => DocumentKey.Of(StoredKind.Note, $"projects/{project}/notes/{id}");

    public static DocumentKey Options(string project = "acme") => DocumentKey.Of(StoredKind.Options, $"projects/{project}/options");

    public static DocumentKey Iam(string id) => DocumentKey.Of(StoredKind.AttestorIam, $"projects/acme/attestors/{id}");

    public static string Fixed(string mode, string description = "") =>
        $$"""{"description": "{{description}}", "defaultAdmissionRule": {"evaluationMode": "{{mode}}", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"} }""";

    public static string Requiring(string attestor) =>
        $$$"""{"defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["{{{attestor}}}"]}}""";

    public static string OnNote(string note) => $$$"""{"userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/{{{note}}}"}}""";

    /// <summary>An attestation that nobody signed rightly.</summary>
    public static string Attestation(string digest, string note = "projects/acme/notes/build", string signature = "AAAA", string repository = "https://gcr.io/acme/api") =>
        $$$"""
        {"kind": "ATTESTATION", "noteName": "{{{note}}}", "resourceUri": "{{{repository}}}@{{{digest}}}",
         "attestation": {"serializedPayload": "eA==", "signatures": [{"publicKeyId": "projects/k", "signature": "{{{signature}}}"}]}}
        """;

    public static string Digest(int number) => $"sha256:{number:x64}";
}
