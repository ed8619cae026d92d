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
/// <param name="Folder">Project folder it stands in: empty at the root, else the project of <c>projects/&lt;project&gt;/</c>.</param>
public readonly record struct DocumentPlace(DocumentKind Kind, string Folder)
{
    /// <summary>Reads the place from a path relative to the directory, with <c>/</c> as separator.</summary>
    public static DocumentPlace Of(string path)
    {
        var parts = path.Split('/');
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
/// One file as read. <paramref name="Content"/> is the parsed document (for attestations a list of them), null where it was refused.
/// </summary>
public sealed record ParsedDocument(string Path, DocumentPlace Place, object? Content, IReadOnlyList<DocumentProblem> Problems);
