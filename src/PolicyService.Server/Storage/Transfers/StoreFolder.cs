using System.Text.Json;
using System.Text.Unicode;
using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>
/// Reads what an export keeps beside the layout of documents, under <c>projects/P/store/</c>. Its files are as deep and as large as what was taken
/// over the wire, and a little more: their brackets, and the names and times within.
/// </summary>
internal static class StoreFolder
{
    private const int MaxBytes = Limits.MessageBytes + (64 * 1024);

    private static readonly JsonDocumentOptions Deeper = DocumentJson.Options with { MaxDepth = Limits.Depth + JsonText.WrapperDepth };

    /// <summary>Every file of every project.</summary>
    /// <param name="directory">The export.</param>
    /// <param name="document">Receives a document: its place, key and text.</param>
    /// <param name="occurrence">Receives an occurrence: its place, the project of its folder, and itself.</param>
    /// <exception cref="ImportException">A file cannot be read as what its place says.</exception>
    /// <exception cref="IOException">It cannot be read at all.</exception>
    public static void Read(string directory, Action<string, DocumentKey, string> document, Action<string, string, JsonElement> occurrence)
    {
        foreach (var (project, folder) in Projects(Path.Combine(directory, "projects")))
        {
            var rest = Path.Combine(folder, "store");
            foreach (var path in Directory.Exists(rest) ? Directory.GetFiles(rest, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
            {
                var place = Path.GetRelativePath(directory, path);
                string[] names = Path.GetRelativePath(rest, path).Split('/');
                if (names is ["occurrences", ..] && ResourceNames.IsProject(project))
                {
                    Parse(place, path, Deeper, root => AddOccurrences(place, project, root, occurrence));
                }
                else
                {
                    var key = KeyOf(names, project) ?? throw new ImportException($"{Shown.Path(place)} is no file of an export: move or delete it");
                    Parse(place, path, DocumentJson.Options, root => document(place, key, JsonText.Bare(Object(place, root))));
                }
            }
        }
    }

    private static IEnumerable<(string Project, string Folder)> Projects(string projects)
    {
        foreach (var folder in Folders(projects))
        {
            var name = Path.GetFileName(folder);
            if (LongName.IsHead(name))
            {
                foreach (var rest in Folders(folder))
                {
                    // What is no rest of an id is no project either, and refused if it has anything.
                    yield return LongName.TryJoin(name, Path.GetFileName(rest), out var project) ? (project, rest) : ("", rest);
                }
            }
            else
            {
                yield return (name, folder);
            }
        }
    }

    /// <summary>What has a leading dot is not meant, as everywhere in a directory of documents.</summary>
    private static IEnumerable<string> Folders(string path) => Directory.Exists(path)
        ? Directory.GetDirectories(path).Where(folder => !Path.GetFileName(folder).StartsWith('.')).Order(StringComparer.Ordinal)
        : [];

    private static DocumentKey? KeyOf(string[] names, string project)
    {
        var (kind, collection) = names switch
        {
            ["notes", ..] => (StoredKind.Note, $"projects/{project}/notes/"),
            ["attestor-iam", ..] => (StoredKind.AttestorIam, $"projects/{project}/attestors/"),
            ["policy-iam.json"] => (StoredKind.PolicyIam, $"projects/{project}/policy"),
            ["continuous-validation.json"] => (StoredKind.ContinuousValidation, $"projects/{project}/continuousValidationConfig"),
            _ => (StoredKind.Unspecified, ""),
        };
        var id = names switch
        {
            [_] => "",
            [_, var file] => Path.GetFileNameWithoutExtension(file),
            [_, var head, var file] when LongName.TryJoin(head, Path.GetFileNameWithoutExtension(file), out var joined) => joined,
            _ => "/",
        };
        return DocumentKey.TryParse(kind, collection + id, out var key) ? key : null;
    }

    private static void AddOccurrences(string place, string project, JsonElement root, Action<string, string, JsonElement> occurrence)
    {
        var list = root.ValueKind is JsonValueKind.Array ? root
            : root.ValueKind is JsonValueKind.Object && root.TryGetProperty("occurrences", out var named) ? named
            : (JsonElement?)null;
        if (list is null)
        {
            occurrence(place, project, Object(place, root));
            return;
        }

        if (list is not { ValueKind: JsonValueKind.Array } items || (root.ValueKind is JsonValueKind.Object && root.EnumerateObject().Count() > 1))
        {
            throw new ImportException($"{Shown.Path(place)}: a list of occurrences is {{\"occurrences\": [...]}} and nothing more");
        }

        foreach (var (index, item) in items.EnumerateArray().Index())
        {
            var each = $"{place} occurrences[{index}]";
            occurrence(each, project, Object(each, item));
        }
    }

    private static JsonElement Object(string place, JsonElement element) =>
        element.ValueKind is JsonValueKind.Object ? element : throw new ImportException($"{Shown.Path(place)} is no JSON object");

    /// <summary>Reads one file whole; whatever is wrong with it refuses it.</summary>
    private static void Parse(string place, string path, JsonDocumentOptions options, Action<JsonElement> read)
    {
        if (new FileInfo(path).Length > MaxBytes)
        {
            throw new ImportException($"{Shown.Path(place)} has more than {MaxBytes} bytes: no export writes such a file");
        }

        var bytes = File.ReadAllBytes(path);
        ReadOnlyMemory<byte> content = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
        if (!Utf8.IsValid(content.Span))
        {
            throw new ImportException($"{Shown.Path(place)} is not UTF-8");
        }

        try
        {
            using var document = JsonDocument.Parse(content, options);
            read(document.RootElement);
        }
        catch (JsonException exception)
        {
            throw new ImportException(
                $"{Shown.Path(place)}:{(exception.LineNumber ?? 0) + 1}:{(exception.BytePositionInLine ?? 0) + 1}: not JSON, a field stands twice, or it is nested too deep: mend it at this place");
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            throw new ImportException($"{Shown.Path(place)}: a string holds half a surrogate pair: write the character whole");
        }
    }
}
