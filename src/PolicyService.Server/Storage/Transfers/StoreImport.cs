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
            if (file.Place.Kind is DocumentKind.Attestations)
            {
                occurrences.AddRange(Nodes(file.Path, content).SelectMany(Items).Select((item, index) => Occurrence($"{file.Path} occurrences[{index}]", project, NodeJson.Write(item))));
            }
            else if (KeyOf(file, project) is { } key)
            {
                Add(documents, key, NodeJson.Write(Nodes(file.Path, content)[0]), file.Path);
            }
        }

        StoreFolder.Read(
            directory,
            (place, key, json) => Add(documents, key, json, place),
            (place, project, occurrence) => occurrences.Add(Occurrence(place, project, occurrence)));
        return new ImportContent(documents, occurrences);
    }

    private static IReadOnlyList<DocumentNode> Nodes(string path, ReadOnlyMemory<byte> content)
    {
        var problems = new ProblemList(path);
        var nodes = DocumentText.Read(content, problems);
        return problems.HasErrors ? throw new ImportException(problems.Problems[0].ToString()) : nodes;
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

    private static IReadOnlyList<DocumentNode> Items(DocumentNode node) => node switch
    {
        SequenceNode list => list.Items,
        MappingNode mapping when mapping.Entries.FirstOrDefault(entry => entry.Key == "occurrences")?.Value is SequenceNode list => list.Items,
        _ => [node],
    };

    private static ImportOccurrence Occurrence(string place, string project, string json)
    {
        using var document = JsonDocument.Parse(json, DocumentJson.Options);
        return Occurrence(place, project, document.RootElement);
    }

    private static ImportOccurrence Occurrence(string place, string project, JsonElement occurrence)
    {
        var name = occurrence.TryGetProperty("name", out var given) && given.ValueKind is JsonValueKind.String ? given.GetString() : "";
        var key = DocumentKey.TryParse(StoredKind.Occurrence, name, out var named) ? named : null;
        return new ImportOccurrence(place, key?.Project ?? project, JsonText.Bare(occurrence), key, TimeOf(place, occurrence, "createTime"), TimeOf(place, occurrence, "updateTime"));
    }

    /// <summary>A time that cannot be read is none: taken for absent, it would make an old attestation young.</summary>
    private static DateTimeOffset? TimeOf(string place, JsonElement occurrence, string field)
    {
        if (!occurrence.TryGetProperty(field, out var value) || value.ValueKind is JsonValueKind.Null)
        {
            return null;
        }

        var text = value.ValueKind is JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return ValueParsers.Time(text, out var time, out var problem) ? time : throw new ImportException($"{Shown.Path(place)}: `{field}` is `{Shown.Value(text)}`: {problem}");
    }

    private static void Add(Dictionary<DocumentKey, string> documents, DocumentKey key, string json, string place)
    {
        if (!documents.TryAdd(key, json))
        {
            throw new ImportException($"{Shown.Value(place)} defines {key.Name}, which another file defines too: keep one of them");
        }
    }
}
