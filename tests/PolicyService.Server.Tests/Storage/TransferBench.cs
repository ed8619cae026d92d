using PolicyService.Server.Storage;
using PolicyService.Server.Storage.Transfers;

namespace PolicyService.Server.Tests.Storage;

/// <summary>A folder of its own for exports, and the command that makes and reads them.</summary>
internal sealed class TransferBench : IDisposable
{
    private static readonly EnumerationOptions Hidden = new() { RecurseSubdirectories = true, AttributesToSkip = 0 };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("policyservice-transfer-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public string Folder => _folder.FullName;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Every file under the folder, hidden ones too.</summary>
    public string[] FilesNamed(string name) => Directory.GetFiles(Folder, name, Hidden);

    /// <summary>Names and contents of an export.</summary>
    public string[] Files(string directory) =>
        [.. Directory.GetFiles(At(directory), "*", Hidden).Order(StringComparer.Ordinal).Select(path => $"{Path.GetRelativePath(At(directory), path)}\n{File.ReadAllText(path)}")];

    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    public static UnixFileMode ModeOf(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);

    public static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    public static async Task<(int Code, string Output, string Error)> RunAsync(TestStore store, params string[] words)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var code = await StoreCommand.RunAsync([.. words, .. store.Arguments], output, error, TimeProvider.System, Cancellation);
        return (code, output.ToString(), error.ToString());
    }

    public static Task<StoredDocument> PutAsync(TestStore test, StoredKind kind, string name, string json) =>
        DocumentTests.WrittenAsync(test.Store.PutAsync(DocumentKey.Of(kind, name), json, "", Documents.Author, Cancellation));

    public static Task<StoredDocument> AddAsync(TestStore test, string json, string project = "acme") =>
        DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync(project, json, Cancellation));

    /// <summary>All documents and occurrences, as the store keeps them.</summary>
    public static async Task<string[]> ContentAsync(DocumentStore store)
    {
        var all = new List<string>();
        await store.ReadAllAsync(
            document => all.Add($"{document.Key.Kind} {document.Key.Name} {document.Content}"),
            (_, occurrence) => all.Add($"{occurrence.CreateTime:O} {occurrence.UpdateTime:O} {occurrence.Content}"),
            Cancellation);
        return [.. all.Order(StringComparer.Ordinal)];
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
