using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Cli.Access;

/// <summary>IAM policies in a directory that <c>policyctl export</c> has written.</summary>
internal static class IamPolicyFolder
{
    /// <param name="root">The directory.</param>
    /// <param name="problems">Receives what cannot be read: such a policy grants nothing.</param>
    /// <returns>By the resource each is of.</returns>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As before.</exception>
    public static IReadOnlyDictionary<string, IamPolicy> Read(string root, List<DocumentProblem> problems)
    {
        var found = new Dictionary<string, IamPolicy>(StringComparer.Ordinal);
        foreach (var (project, folder) in Named(Path.Combine(root, "projects"), Directory.GetDirectories, ""))
        {
            Add($"projects/{project}/policy", Path.Combine(folder, "store", "policy-iam.json"));
            foreach (var (attestor, file) in Named(Path.Combine(folder, "store", "attestor-iam"), Directory.GetFiles, ".json"))
            {
                Add($"projects/{project}/attestors/{attestor}", file);
            }
        }

        return found;

        void Add(string resource, string path)
        {
            if (!File.Exists(path))
            {
                return;
            }

            var list = new ProblemList(path);
            var isSmall = new FileInfo(path).Length <= Limits.MessageBytes;
            if (!isSmall)
            {
                list.Error(new Mark(1, 1), $"it has more than {Limits.MessageBytes} bytes", "no export writes such a file");
            }

            if (isSmall && IamPolicyParser.Parse(File.ReadAllBytes(path), list) is { } policy)
            {
                found[resource] = policy;
            }

            problems.AddRange(list.Problems);
        }
    }

    /// <summary>Ids and where they stand; a long id is two names.</summary>
    private static IEnumerable<(string Id, string Path)> Named(string folder, Func<string, string[]> list, string ending)
    {
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        foreach (var path in list(folder).Where(path => path.EndsWith(ending, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            if (!LongName.IsHead(Path.GetFileName(path)))
            {
                yield return (Path.GetFileName(path)[..^ending.Length], path);
            }
        }

        foreach (var head in Directory.GetDirectories(folder).Where(path => LongName.IsHead(Path.GetFileName(path))).Order(StringComparer.Ordinal))
        {
            foreach (var path in list(head).Where(path => path.EndsWith(ending, StringComparison.Ordinal)))
            {
                if (LongName.TryJoin(Path.GetFileName(head), Path.GetFileName(path)[..^ending.Length], out var id))
                {
                    yield return (id, path);
                }
            }
        }
    }
}
