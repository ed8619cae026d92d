using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>
/// Writes a store into an empty directory: what decides in the layout of a directory of documents (ARCHITECTURE section 4), so that the
/// service can run on it, and the rest beside it under <c>store/</c>, which the service does not look into.
/// </summary>
internal static class StoreExport
{
    /// <summary>Characters after which a file of occurrences ends; far below what a document file may have.</summary>
    private const int FileCharacters = 1024 * 1024;

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = DocumentJson.Writing.Encoder };
    private static readonly JsonWriterOptions ForPeople = new() { Indented = true };

    /// <param name="store">The store; all of one state of it is written.</param>
    /// <param name="directory">An empty directory, or one that does not exist.</param>
    /// <param name="cancellation">Stop.</param>
    /// <returns>Documents and occurrences written.</returns>
    /// <exception cref="IOException">The directory is not empty or cannot be written.</exception>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    public static async Task<(int Documents, int Occurrences)> RunAsync(DocumentStore store, string directory, CancellationToken cancellation)
    {
        Directory.CreateDirectory(directory);
        if (Directory.EnumerateFileSystemEntries(directory).Any())
        {
            throw new IOException($"the directory {directory} is not empty");
        }

        var documents = 0;
        var occurrences = new OccurrenceFiles(directory);
        await store.ReadAllAsync(
            document =>
            {
                documents++;
                WriteFile(Path.Combine(directory, PlaceOf(document.Key)), Indent(document.Content, Indented));
            },
            occurrences.Add,
            cancellation);
        occurrences.Finish();
        return (documents, occurrences.Count);
    }

    /// <summary>Where a document stands in an export; the place in a directory of documents where it has one.</summary>
    public static string PlaceOf(DocumentKey key) => key.Path ?? (key.Kind switch
    {
        StoredKind.Note => $"projects/{key.Project}/store/notes/{key.LastPart}.json",
        StoredKind.PolicyIam => $"projects/{key.Project}/store/policy-iam.json",
        StoredKind.AttestorIam => $"projects/{key.Project}/store/attestor-iam/{key.LastPart}.json",
        StoredKind.ContinuousValidation => $"projects/{key.Project}/store/continuous-validation.json",
        _ => throw new ArgumentException($"documents of kind {key.Kind} are not exported", nameof(key)),
    });

    /// <summary>A document as people compare it, in ASCII; nothing for none.</summary>
    public static IReadOnlyList<string> Lines(string? content) =>
        content is null ? [] : Indent(content, ForPeople).TrimEnd('\n').Split('\n');

    private static string Indent(string content, JsonWriterOptions options)
    {
        using var document = JsonDocument.Parse(content, DocumentJson.Options);
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            document.RootElement.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    private static void WriteFile(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Occurrences come by project and number, and stand in files of a bounded size: attestations apart from the other kinds.</summary>
    private sealed class OccurrenceFiles(string directory)
    {
        private readonly Dictionary<string, (StringBuilder Text, int Number)> _open = new(StringComparer.Ordinal);

        public int Count { get; private set; }

        public void Add(string kind, StoredDocument occurrence)
        {
            Count++;
            var folder = Path.Combine("projects", occurrence.Key.Project, kind == OccurrenceJson.Attestation ? "attestations" : "store/occurrences");
            var (text, number) = _open.GetValueOrDefault(folder, (new StringBuilder(), 1));
            text.Append(text.Length == 0 ? "{\"occurrences\":[\n" : ",\n").Append(occurrence.ToJson());
            if (text.Length > FileCharacters)
            {
                Write(folder, text, number);
                (text, number) = (new StringBuilder(), number + 1);
            }

            _open[folder] = (text, number);
        }

        public void Finish()
        {
            foreach (var (folder, (text, number)) in _open.Where(open => open.Value.Text.Length > 0))
            {
                Write(folder, text, number);
            }
        }

        private void Write(string folder, StringBuilder text, int number) =>
            WriteFile(Path.Combine(directory, folder, string.Create(CultureInfo.InvariantCulture, $"occurrences-{number:d6}.json")), text.Append("\n]}\n").ToString());
    }
}
