namespace PolicyService.Evidence.Documents;

/// <summary>
/// Where paths really lead, for one scan. A ConfigMap changes all its files by swapping one link on the way to them, and what stands
/// behind it may have the same times and lengths as before.
/// </summary>
internal sealed class RealPaths
{
    /// <summary>As the kernel has it. Beyond lies a circle: the path given is then still that of a link.</summary>
    private const int MaxLinks = 40;

    private readonly Dictionary<string, string> _followed = new(StringComparer.Ordinal);

    /// <summary>The path with every link in it resolved, the last part included. Nothing needs to be there.</summary>
    public string Of(string path)
    {
        var full = Path.GetFullPath(path);
        var root = Path.GetPathRoot(full)!;
        return Walk(root, full[root.Length..], MaxLinks);
    }

    /// <summary>Goes part by part, because <c>..</c> behind a link leads to the parent of where the link leads.</summary>
    private string Walk(string place, string path, int links)
    {
        foreach (var part in path.Split(Path.DirectorySeparatorChar))
        {
            place = part switch
            {
                "" or "." => place,
                ".." => Path.GetDirectoryName(place) ?? place,
                _ => Follow(place, Path.Join(place, part), links),
            };
        }

        return place;
    }

    private string Follow(string parent, string path, int links)
    {
        if (!_followed.TryGetValue(path, out var place))
        {
            var target = links > 0 ? new FileInfo(path).LinkTarget : null;
            place = target is null ? path
                : Path.IsPathRooted(target) ? Walk(Path.GetPathRoot(target)!, target[Path.GetPathRoot(target)!.Length..], links - 1)
                : Walk(parent, target, links - 1);
            _followed[path] = place;
        }

        return place;
    }
}
