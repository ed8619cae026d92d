using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Parses the files of a documents directory, and assembles them into one version.</summary>
public static class DocumentFiles
{
    /// <summary>Parses one file by its place. Never throws on content.</summary>
    /// <param name="path">Its path within the directory.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="etag">Its version, where its source has one; else the SHA-256 of the bytes is.</param>
    public static ParsedDocument Parse(string path, ReadOnlyMemory<byte> content, string? etag = null)
    {
        var place = DocumentPlace.Of(path);
        var problems = new ProblemList(path);
        object? parsed = null;
        try
        {
            parsed = Parse(place, content, problems, etag);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A bug of ours or of a library must refuse this file, not end the service that watches it.
            problems.Error(new Mark(1, 1), $"the document cannot be read ({exception.GetType().Name})", "report this file to the project, and write it another way");
        }

        if (place.Kind is DocumentKind.Unknown)
        {
            problems.Warn(new Mark(1, 1), "no document belongs at this place, so the file is not read", "see the layout of a documents directory; move or delete the file");
        }

        return new ParsedDocument(path, place, problems.HasErrors ? null : parsed, problems.Problems);
    }

    /// <summary>The same without the net under it, for fuzzing, which looks for the bugs the service survives.</summary>
    internal static object? Parse(DocumentPlace place, ReadOnlyMemory<byte> content, ProblemList problems, string? etag = null)
    {
        return place.Kind switch
        {
            DocumentKind.Policy => InOwnFolder(PolicyParser.Parse(One(), etag ?? Digest.Of(content.Span).ToString(), problems), policy => policy.Project),
            DocumentKind.Attestor => InOwnFolder(AttestorParser.Parse(One(), problems), attestor => attestor.Name.Project),
            DocumentKind.PlatformPolicy => InOwnFolder(PlatformPolicyParser.Parse(One(), problems), policy => policy.Name.Project),
            DocumentKind.Options => OptionsParser.Parse(One(), problems),
            DocumentKind.SystemPolicy => PolicyParser.ParseSystem(One(), problems),
            DocumentKind.Clusters => ClusterBindings.Parse(One(), problems),
            DocumentKind.Attestations => ParseAttestations(),
            _ => null,
        };

        DocumentNode? One() => DocumentText.ReadOne(content, problems);

        IReadOnlyList<Attestation>? ParseAttestations()
        {
            var nodes = DocumentText.Read(content, problems);
            return problems.HasErrors ? null : OccurrenceParser.Parse(nodes, problems);
        }

        // Folders of a shared directory have owners: what stands in one must not speak for another project.
        T? InOwnFolder<T>(T? document, Func<T, string?> projectOf) where T : class
        {
            if (document is not null && place.Folder.Length > 0 && projectOf(document) is { } project && project != place.Folder)
            {
                problems.Error(new Mark(1, 1), $"the document belongs to project `{Shown.Value(project)}`", $"move it to projects/{Shown.Value(project)}/, or mend its name");
            }

            return document;
        }
    }

    /// <summary>
    /// Assembles files, each at its last good version, into one version of all documents; conflicts between files are added
    /// to <paramref name="problems"/>.
    /// </summary>
    /// <param name="files">The files; <see cref="ParsedDocument.Content"/> is null where no version was ever good.</param>
    /// <param name="problems">Receives what only shows between files.</param>
    public static DocumentSet Assemble(IReadOnlyCollection<ParsedDocument> files, ICollection<DocumentProblem> problems)
    {
        var unique = RefuseRepeated(files, problems);
        var projects = unique
            .Where(file => file.Place.Kind is not (DocumentKind.Unknown or DocumentKind.SystemPolicy or DocumentKind.Clusters))
            .GroupBy(file => file.Place.Folder, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => Project(group.Key, [.. group]))
            .ToList();
        foreach (var repeated in projects.GroupBy(project => project.Id, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            problems.Add(new DocumentProblem(
                $"projects/{repeated.Key}", new Mark(1, 1), $"project `{repeated.Key}` stands at the root too; the root counts", "keep one of the two", ProblemSeverity.Error));
        }

        return new DocumentSet
        {
            Projects = [.. projects.DistinctBy(project => project.Id, StringComparer.Ordinal)],
            SystemPolicy = Only<SystemPolicy>(unique, DocumentKind.SystemPolicy),
            Clusters = Only<ClusterBindings>(unique, DocumentKind.Clusters),
            ClustersRefused = WasRefused(unique, DocumentKind.Clusters),
        };
    }

    private static ProjectDocuments Project(string folder, ParsedDocument[] files)
    {
        var policy = Only<Policy>(files, DocumentKind.Policy);
        return new ProjectDocuments
        {
            Id = folder.Length > 0 ? folder : policy?.Project ?? "default",
            Policy = policy,
            Attestors = [.. All<Attestor>(files, DocumentKind.Attestor)],
            PlatformPolicies = [.. All<PlatformPolicy>(files, DocumentKind.PlatformPolicy)],
            Attestations = [.. All<IReadOnlyList<Attestation>>(files, DocumentKind.Attestations).SelectMany(list => list)],
            Options = Only<ProjectOptions>(files, DocumentKind.Options) ?? ProjectOptions.Default,
            OptionsRefused = WasRefused(files, DocumentKind.Options),
        };
    }

    /// <summary>
    /// Two files that define the same thing: neither counts, because which one was meant cannot be known. (Of policy.yaml beside
    /// policy.json, options and clusters alike.)
    /// </summary>
    private static ParsedDocument[] RefuseRepeated(IReadOnlyCollection<ParsedDocument> files, ICollection<DocumentProblem> problems)
    {
        var refused = new HashSet<string>(StringComparer.Ordinal);
        foreach (var group in files.Where(file => IdentityOf(file) is not null).GroupBy(IdentityOf).Where(group => group.Count() > 1))
        {
            foreach (var file in group)
            {
                refused.Add(file.Path);
                problems.Add(new DocumentProblem(
                    file.Path, new Mark(1, 1), $"it defines what {string.Join(", ", group.Where(other => other != file).Select(other => Shown.Path(other.Path)))} defines; none of them counts", "keep one of the files", ProblemSeverity.Error));
            }
        }

        return [.. files.Select(file => refused.Contains(file.Path) ? file with { Content = null } : file)];
    }

    private static string? IdentityOf(ParsedDocument file) => file switch
    {
        { Content: Attestor attestor } => attestor.Name.ToString(),
        { Content: PlatformPolicy policy } => policy.Name.ToString(),
        { Place.Kind: DocumentKind.Policy or DocumentKind.Options or DocumentKind.SystemPolicy or DocumentKind.Clusters } =>
            $"{file.Place.Folder}/{file.Place.Kind}",
        _ => null,
    };

    private static bool WasRefused(IEnumerable<ParsedDocument> files, DocumentKind kind) =>
        files.Any(file => file.Place.Kind == kind && file.Content is null);

    private static T? Only<T>(IEnumerable<ParsedDocument> files, DocumentKind kind) where T : class => All<T>(files, kind).FirstOrDefault();

    private static IEnumerable<T> All<T>(IEnumerable<ParsedDocument> files, DocumentKind kind) where T : class =>
        files.Where(file => file.Place.Kind == kind).Select(file => file.Content).OfType<T>();
}
