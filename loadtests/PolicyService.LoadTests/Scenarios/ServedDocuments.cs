using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Processes;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>A service with a folder of documents of its own.</summary>
internal sealed class ServedDocuments : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private ServerProcess? _server;

    private ServedDocuments(SigningKey key) => (Key, Documents) = (key, new RunDocuments(_folder.File("documents")));

    public SigningKey Key { get; }

    public RunDocuments Documents { get; }

    public ServerProcess Server => _server!;

    /// <param name="key">The attestor's key, which this then owns.</param>
    /// <param name="write">Writes the documents.</param>
    /// <param name="patience">How long the server may take to be ready.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">The end of everything.</param>
    /// <param name="flags">Further settings of the server.</param>
    public static async Task<ServedDocuments> StartAsync(
        SigningKey key, Action<RunDocuments, SigningKey> write, TimeSpan patience, TimeProvider time, CancellationToken cancellation, params string[] flags)
    {
        var served = new ServedDocuments(key);
        var isUp = false;
        try
        {
            write(served.Documents, key);
            served._server = await ServerProcess.StartAsync(Builds.Server, served.Flags(flags), patience, time, cancellation);
            isUp = true;
            return served;
        }
        finally
        {
            if (!isUp)
            {
                await served.DisposeAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Key.Dispose();
        _folder.Dispose();
    }

    private string[] Flags(string[] more) =>
    [
        "--Policies:Directory", Documents.Directory, "--Audit:File", _folder.File("records.jsonl"),
        "--Urls:Grpc", "http://127.0.0.1:0", "--Urls:Http", "http://127.0.0.1:0",
        // Nobody listens on the port of tcpmux: nothing under load may ask the real one.
        "--Kms:Endpoint", "http://127.0.0.1:1", .. more,
    ];
}
