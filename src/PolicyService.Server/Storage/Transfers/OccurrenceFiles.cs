using System.Globalization;
using System.Text;
using PolicyService.Core;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>
/// Writes occurrences, which come by project and number, into files of a bounded size: attestations where the service reads them, the other kinds
/// beside. A file is as deep and as large as its reader takes it, or is not written.
/// </summary>
internal sealed class OccurrenceFiles(ExportDirectory directory)
{
    /// <summary>Bytes that a file of several occurrences does not exceed; far below what a document file may have.</summary>
    private const int FileBytes = 1024 * 1024;

    private const string Start = "{\"occurrences\":[\n";
    private const string Between = ",\n";
    private const string End = "\n]}\n";

    private readonly Dictionary<string, OpenFile> _open = new(StringComparer.Ordinal);

    public int Count { get; private set; }

    public void Add(string kind, StoredDocument occurrence)
    {
        Count++;
        var json = occurrence.ToJson();
        if (JsonText.Bytes(json) > Limits.MessageBytes - Start.Length - End.Length)
        {
            json = JsonText.Unescaped(json);
        }

        var project = $"projects/{LongName.PathOf(occurrence.Key.Project)}";
        var isWrapped = JsonText.Bytes(json) <= Limits.MessageBytes - Start.Length - End.Length;
        if (kind != OccurrenceJson.Attestation)
        {
            Add($"{project}/store/occurrences", json);
        }
        else if (isWrapped)
        {
            Add($"{project}/attestations", json);
        }
        else if (JsonText.Bytes(json) <= Limits.MessageBytes)
        {
            // Without brackets around it the file is no larger than it.
            AddAlone($"{project}/attestations", json);
        }
        else
        {
            // Name and times lift it over the limit of what the service reads; an import takes it.
            Add($"{project}/store/occurrences", json);
        }
    }

    public void Finish()
    {
        foreach (var (folder, file) in _open)
        {
            Write(folder, file);
        }
    }

    private void Add(string folder, string json)
    {
        var file = Open(folder);
        if (file.Bytes + JsonText.Bytes(json) > FileBytes)
        {
            Write(folder, file);
        }

        file.Text.Append(file.Text.Length == 0 ? Start : Between).Append(json);
        file.Bytes += Between.Length + JsonText.Bytes(json);
    }

    private void AddAlone(string folder, string json)
    {
        var file = Open(folder);
        // In the order of their numbers.
        Write(folder, file);
        directory.Write(NameOf(folder, file), json);
    }

    private OpenFile Open(string folder) => _open.TryGetValue(folder, out var file) ? file : _open[folder] = new OpenFile();

    private void Write(string folder, OpenFile file)
    {
        if (file.Text.Length > 0)
        {
            directory.Write(NameOf(folder, file), file.Text.Append(End).ToString());
            file.Text.Clear();
            file.Bytes = 0;
        }
    }

    private static string NameOf(string folder, OpenFile file) => string.Create(CultureInfo.InvariantCulture, $"{folder}/occurrences-{++file.Number:d6}.json");

    private sealed class OpenFile
    {
        public StringBuilder Text { get; } = new();

        public int Bytes { get; set; }

        /// <summary>Of the last file of its folder; 0: none yet.</summary>
        public int Number { get; set; }
    }
}
