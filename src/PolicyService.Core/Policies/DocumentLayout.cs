using PolicyService.Core.Documents;

namespace PolicyService.Core.Policies;

/// <summary>What a file of a documents directory holds.</summary>
public enum DocumentKind
{
    /// <summary>Nothing we know; reported, never read.</summary>
    Unknown,
    Policy,
    Attestor,
    Attestations,
    PlatformPolicy,
    Options,
    SystemPolicy,
    Clusters,
}

/// <summary>The place of a file in a documents directory (ARCHITECTURE section 4).</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Folder">
/// Project folder it stands in: empty at the root, else the project of <c>projects/&lt;project&gt;/</c>, which may be written as
/// <see cref="LongName"/> does.
/// </param>
public readonly record struct DocumentPlace(DocumentKind Kind, string Folder)
{
    /// <summary>Reads the place from a path relative to the directory, with <c>/</c> as separator.</summary>
    public static DocumentPlace Of(string path)
    {
        var parts = path.Split('/');
        if (parts is ["projects", var head, var tail, .. var inner] && LongName.TryJoin(head, tail, out var joined))
        {
            parts = ["projects", joined, .. inner];
        }

        if (parts is ["projects", var project, .. var rest])
        {
            return ResourceNames.IsProject(project) && KindOf(rest) is var kind and not (DocumentKind.SystemPolicy or DocumentKind.Clusters)
                ? new DocumentPlace(kind, project)
                : new DocumentPlace(DocumentKind.Unknown, project);
        }

        return new DocumentPlace(KindOf(parts), "");
    }

    private static DocumentKind KindOf(string[] parts)
    {
        // A file may stand where the folder of a project should.
        if (parts is not [.., var name] || Path.GetExtension(name) is not (".yaml" or ".yml" or ".json"))
        {
            return DocumentKind.Unknown;
        }

        return parts switch
        {
            [var file] => Path.GetFileNameWithoutExtension(file) switch
            {
                "policy" => DocumentKind.Policy,
                "options" => DocumentKind.Options,
                "system-policy" => DocumentKind.SystemPolicy,
                "clusters" => DocumentKind.Clusters,
                _ => DocumentKind.Unknown,
            },
            ["attestors", _] => DocumentKind.Attestor,
            ["attestations", _] => DocumentKind.Attestations,
            ["platform-policies", _] => DocumentKind.PlatformPolicy,
            _ => DocumentKind.Unknown,
        };
    }
}

/// <summary>
/// Ids as names of files and folders. An id has up to 256 characters, a file name 255 bytes with its ending: a longer one is cut into a folder,
/// the first 200 characters and <c>~</c>, which no id has, and in it <c>~</c> and the rest, so that no rest is a hidden name.
/// </summary>
public static class LongName
{
    private const int MaxFileNameBytes = 255;
    private const int HeadCharacters = 200;

    /// <summary>The path, one name or two, for an id and the ending of its file.</summary>
    public static string PathOf(string id, string ending = "") =>
        id.Length + ending.Length <= MaxFileNameBytes ? id + ending : $"{id[..HeadCharacters]}~/~{id[HeadCharacters..]}{ending}";

    /// <summary>Whether a folder is the first part of an id.</summary>
    public static bool IsHead(string folder) => folder.Length == HeadCharacters + 1 && folder[^1] == '~';

    /// <summary>The id that two names are together, if the first is the first part of one.</summary>
    public static bool TryJoin(string head, string rest, out string id)
    {
        var valid = IsHead(head) && rest.StartsWith('~');
        id = valid ? head[..^1] + rest[1..] : "";
        return valid;
    }
}

/// <summary>
/// One file as read. <paramref name="Content"/> is the parsed document (for attestations a list of them), null where it was refused.
/// </summary>
public sealed record ParsedDocument(string Path, DocumentPlace Place, object? Content, IReadOnlyList<DocumentProblem> Problems);
