using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Documents;

/// <summary>What tells one version of a file from the next without reading it.</summary>
/// <param name="Written">When it was last written.</param>
/// <param name="Length">Its length; 0 for what is no file: a pipe, a device.</param>
/// <param name="Place">Where it really is, every link on the way resolved.</param>
internal readonly record struct FileStamp(DateTime Written, long Length, string Place);

/// <summary>The files of a documents directory at one moment, by path relative to it.</summary>
internal sealed class DirectoryScan : IEquatable<DirectoryScan>
{
    private static readonly string[] Folders = ["attestors", "attestations", "platform-policies"];

    private readonly SortedDictionary<string, FileStamp> _files = new(StringComparer.Ordinal);
    private readonly RealPaths _places = new();
    private readonly SortedSet<string> _dangling = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, FileStamp> Files => _files;

    /// <summary>Links that lead to nothing. They count as deleted, and somebody should know.</summary>
    public IReadOnlySet<string> Dangling => _dangling;

    /// <summary>Lists the layout's folders and nothing else: a link to somewhere large costs nothing.</summary>
    /// <exception cref="IOException">The directory is not there or cannot be listed.</exception>
    public static DirectoryScan Of(string root)
    {
        var scan = new DirectoryScan();
        scan.AddProject(root, "");
        var projects = Path.Combine(root, "projects");
        if (DirectoryIsThere(projects))
        {
            scan.AddFiles(projects, "projects/");
            foreach (var project in Directory.EnumerateDirectories(projects).Select(Path.GetFileName).OfType<string>().Where(IsShown))
            {
                scan.AddProjectFolder(projects, project);
            }
        }

        return scan;
    }

    public bool Equals(DirectoryScan? other) => other is not null && _files.SequenceEqual(other._files) && _dangling.SetEquals(other._dangling);

    public override bool Equals(object? obj) => Equals(obj as DirectoryScan);

    public override int GetHashCode() => _files.Count;

    /// <summary>A folder under <c>projects/</c>: a project, or the first part of the ids of some.</summary>
    private void AddProjectFolder(string projects, string name)
    {
        var path = Path.Combine(projects, name);
        if (!LongName.IsHead(name))
        {
            AddProject(path, $"projects/{name}/");
            return;
        }

        AddFiles(path, $"projects/{name}/");
        foreach (var rest in Directory.EnumerateDirectories(path).Select(Path.GetFileName).OfType<string>().Where(IsShown))
        {
            AddProject(Path.Combine(path, rest), $"projects/{name}/{rest}/");
        }
    }

    private void AddProject(string directory, string prefix)
    {
        AddFiles(directory, prefix);
        foreach (var folder in Folders)
        {
            var path = Path.Combine(directory, folder);
            if (DirectoryIsThere(path))
            {
                AddFiles(path, $"{prefix}{folder}/");
            }
        }
    }

    private void AddFiles(string directory, string prefix)
    {
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles().Where(file => IsShown(file.Name)))
        {
            if (prefix.Length > 0 || HasDocumentEnding(file.Name) || IsFolder(file.Name))
            {
                // Times and lengths are those of what a link leads to; a link that dangles or leads in a circle is no file.
                var target = new FileInfo(_places.Of(file.FullName));
                if (target is { Exists: true, LinkTarget: null })
                {
                    _files[prefix + file.Name] = new FileStamp(target.LastWriteTimeUtc, target.Length, target.FullName);
                }
                else if (IsOutOfReach(target.FullName))
                {
                    // It is there, for all we know: reading it will fail, and what was held stays held.
                    _files[prefix + file.Name] = new FileStamp(default, -1, target.FullName);
                }
                else
                {
                    _dangling.Add(prefix + file.Name);
                }
            }
        }
    }

    /// <summary>Whether a folder of the layout is there. One that may not be looked at is not absent.</summary>
    private static bool DirectoryIsThere(string path) =>
        Directory.Exists(path) || (IsOutOfReach(path) ? throw new UnauthorizedAccessException($"{Path.GetFileName(path)} cannot be looked at") : false);

    /// <summary>The base library says of what it may not look at that it does not exist.</summary>
    private static bool IsOutOfReach(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
            return false;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>A folder of the layout that is listed among the files is a link that leads to none, or a file in its place.</summary>
    private static bool IsFolder(string name) => name is "projects" || Folders.Contains(name);

    private static bool HasDocumentEnding(string name) => Path.GetExtension(name) is ".yaml" or ".yml" or ".json";

    /// <summary>Editors and ConfigMaps keep what is not meant in names with a leading dot.</summary>
    private static bool IsShown(string name) => !name.StartsWith('.');
}
