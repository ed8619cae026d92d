using System.Text;
using System.Text.Json;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>A directory that cannot be imported, in one line.</summary>
internal sealed class ImportException(string message) : Exception(message);

/// <summary>What a directory holds for a store.</summary>
/// <param name="Documents">Documents by key.</param>
/// <param name="Occurrences">Occurrences with the project they belong to.</param>
internal sealed record ImportContent(IReadOnlyDictionary<DocumentKey, string> Documents, IReadOnlyList<ImportOccurrence> Occurrences);

/// <summary>An occurrence with the name and the times it has; null where it has none.</summary>
internal sealed record ImportOccurrence(string Place, string Project, string Json, DocumentKey? Key, DateTimeOffset? CreateTime, DateTimeOffset? UpdateTime);

/// <summary>Reads a directory of documents, an export or one that people write, for a store.</summary>
internal static class StoreImport
{
    /// <exception cref="ImportException">A document is refused, or two stand for one; nothing may be imported then.</exception>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public static ImportContent Read(string directory)
    {
        var (files, problems) = DocumentDirectory.Contents(directory);
        var parsed = files.Select(file => DocumentFiles.Parse(file.Path, file.Content)).ToList();
        // A link that leads nowhere is only a warning of the directory; here a document would be lost by it.
        var refusal = problems.Concat(parsed.SelectMany(file => file.Problems).Where(problem => problem.Severity is ProblemSeverity.Error)).FirstOrDefault();
        if (refusal is not null)
        {
            throw new ImportException(refusal.ToString());
        }

        var rootProject = parsed.Select(file => file.Content).OfType<Policy>().FirstOrDefault(policy => parsed.Any(file => file.Content == policy && file.Place.Folder.Length == 0))?.Project ?? "default";
        var documents = new Dictionary<DocumentKey, string>();
        var occurrences = new List<ImportOccurrence>();
        foreach (var (file, content) in parsed.Zip(files, (document, bytes) => (document, bytes.Content)))
        {
            var project = file.Place.Folder.Length > 0 ? file.Place.Folder : rootProject;
            var nodes = DocumentText.Read(content, new ProblemList(file.Path));
            if (file.Place.Kind is DocumentKind.Attestations)
            {
                occurrences.AddRange(nodes.SelectMany(node => Items(node)).Select(item => Occurrence(file.Path, project, NodeJson.Write(item))));
            }
            else if (KeyOf(file, project) is { } key)
            {
                Add(documents, key, NodeJson.Write(nodes[0]), file.Path);
            }
        }

        AddRest(directory, documents, occurrences);
        return new ImportContent(documents, occurrences);
    }

    private static DocumentKey? KeyOf(ParsedDocument file, string project) => file.Content switch
    {
        Policy => DocumentKey.Of(StoredKind.Policy, $"projects/{project}/policy"),
        Attestor attestor => DocumentKey.Of(StoredKind.Attestor, attestor.Name.ToString()),
        PlatformPolicy policy => DocumentKey.Of(StoredKind.PlatformPolicy, policy.Name.ToString()),
        ProjectOptions => DocumentKey.Of(StoredKind.Options, $"projects/{project}/options"),
        SystemPolicy => DocumentKey.Of(StoredKind.SystemPolicy, "locations/global/policy"),
        ClusterBindings => DocumentKey.Of(StoredKind.Clusters, "clusters"),
        _ => null,
    };

    /// <summary>What an export keeps beside the layout.</summary>
    private static void AddRest(string directory, Dictionary<DocumentKey, string> documents, List<ImportOccurrence> occurrences)
    {
        var projects = Path.Combine(directory, "projects");
        foreach (var folder in Directory.Exists(projects) ? Directory.GetDirectories(projects).Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
        {
            var project = Path.GetFileName(folder);
            var rest = Path.Combine(folder, "store");
            foreach (var path in Directory.Exists(rest) ? Directory.GetFiles(rest, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
            {
                var place = Path.GetRelativePath(directory, path);
                var json = File.ReadAllText(path);
                if (Path.GetRelativePath(rest, path).StartsWith("occurrences/", StringComparison.Ordinal))
                {
                    var nodes = DocumentText.Read(Encoding.UTF8.GetBytes(json), new ProblemList(place));
                    occurrences.AddRange(nodes.SelectMany(Items).Select(item => Occurrence(place, project, NodeJson.Write(item))));
                }
                else
                {
                    Add(documents, RestKey(place, project, Path.GetRelativePath(rest, path)), json, place);
                }
            }
        }
    }

    private static DocumentKey RestKey(string place, string project, string file)
    {
        var (kind, name) = file.Split('/') switch
        {
            ["notes", var note] => (StoredKind.Note, $"projects/{project}/notes/{Path.GetFileNameWithoutExtension(note)}"),
            ["attestor-iam", var attestor] => (StoredKind.AttestorIam, $"projects/{project}/attestors/{Path.GetFileNameWithoutExtension(attestor)}"),
            ["policy-iam.json"] => (StoredKind.PolicyIam, $"projects/{project}/policy"),
            ["continuous-validation.json"] => (StoredKind.ContinuousValidation, $"projects/{project}/continuousValidationConfig"),
            _ => (StoredKind.Unspecified, ""),
        };
        return DocumentKey.TryParse(kind, name, out var key) ? key : throw new ImportException($"{Shown.Value(place)} is no file of an export: move or delete it");
    }

    private static IReadOnlyList<DocumentNode> Items(DocumentNode node) => node switch
    {
        SequenceNode list => list.Items,
        MappingNode mapping when mapping.Entries.FirstOrDefault(entry => entry.Key == "occurrences")?.Value is SequenceNode list => list.Items,
        _ => [node],
    };

    private static ImportOccurrence Occurrence(string place, string project, string json)
    {
        using var document = JsonDocument.Parse(json, DocumentJson.Options);
        var key = DocumentKey.TryParse(StoredKind.Occurrence, Text("name"), out var named) ? named : null;
        return new ImportOccurrence(place, key?.Project ?? project, json, key, Time("createTime"), Time("updateTime"));

        string Text(string field) => document.RootElement.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

        DateTimeOffset? Time(string field) => ValueParsers.Time(Text(field), out var time, out _) ? time : null;
    }

    private static void Add(Dictionary<DocumentKey, string> documents, DocumentKey key, string json, string place)
    {
        if (!documents.TryAdd(key, json))
        {
            throw new ImportException($"{Shown.Value(place)} defines {key.Name}, which another file defines too: keep one of them");
        }
    }
}
