using PolicyService.Core.Checks;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>What can be wrong with platform policies and their bindings.</summary>
internal static class PlatformRules
{
    public static IEnumerable<LintFinding> Lint(LintedFile file, PlatformPolicy policy)
    {
        var sets = NodePath.Items(NodePath.Find(file.Tree, "gkePolicy", "checkSets"));
        return PatternLinter.Lint(file.Path, PolicyLinter.Patterns(file.Tree, "gkePolicy", "imageAllowlist", "allowPattern"))
            .Concat(PatternLinter.Lint(file.Path, PolicyLinter.Patterns(file.Tree, "cloudRunPolicy", "allowlistPatterns")))
            .Concat(sets.SelectMany(set => LintSet(file, set)))
            .Concat(policy.CloudRunRule is { } rule ? PolicyRules.DryRun(file, rule, "the rule", "cloudRunPolicy", "rule") : [])
            .Concat(Empty(file, policy, sets))
            .Concat(Unavailable(file, policy))
            .Concat(Shadowed(file, policy));
    }

    public static IEnumerable<LintFinding> LintBindings(LintedFile file, ClusterBindings clusters, PolicySnapshot snapshot)
    {
        var listed = NodePath.Entries(NodePath.Find(file.Tree, "clusters")).Select(entry => entry.Value);
        foreach (var item in listed.Append(NodePath.Find(file.Tree, "default")).SelectMany(cluster => NodePath.Items(NodePath.Find(cluster, "platformPolicies"))))
        {
            if (NodePath.Find(item, "mode") is null or { IsNull: true })
            {
                yield return file.Finding(
                    LintRule.BindingWithoutMode, item.Mark, $"{NodePath.Text(NodePath.Find(item, "name"))} is bound without a mode, which means MONITOR: it blocks nothing", "write mode: ENFORCE, or mode: MONITOR if it is only to show in the trace");
            }
        }

        foreach (var (cluster, binding) in clusters.Clusters)
        {
            foreach (var finding in Dangling(file, binding, snapshot, "clusters", cluster))
            {
                yield return finding;
            }
        }

        foreach (var finding in clusters.Default is { } standard ? Dangling(file, standard, snapshot, "default") : [])
        {
            yield return finding;
        }
    }

    private static IEnumerable<LintFinding> Dangling(LintedFile file, ClusterBinding binding, PolicySnapshot snapshot, params string[] steps)
    {
        for (var index = 0; index < binding.PlatformPolicies.Count; index++)
        {
            var name = binding.PlatformPolicies[index].Name;
            if (snapshot.Projects.GetValueOrDefault(name.Project)?.PlatformPolicies.ContainsKey(name) is not true)
            {
                yield return file.Finding(
                    LintRule.DanglingPlatformPolicy, NodePath.MarkOf(file.Tree, [.. steps, "platformPolicies", PolicyLinter.Number(index)]), $"{name} does not exist", "add the platform policy's document, or mend the name");
            }
        }
    }

    private static IEnumerable<LintFinding> LintSet(LintedFile file, DocumentNode set) =>
        PatternLinter.Lint(file.Path, PolicyLinter.Patterns(set, "imageAllowlist", "allowPattern"))
            .Concat(NodePath.Items(NodePath.Find(set, "checks"))
                .SelectMany(check => PatternLinter.Lint(file.Path, PolicyLinter.Patterns(check, "imageAllowlist", "allowPattern")).Concat(Directories(file, check))));

    /// <summary>Directories are literal like patterns: one that no normalised name lies in trusts nothing.</summary>
    private static IEnumerable<LintFinding> Directories(LintedFile file, DocumentNode check)
    {
        foreach (var item in NodePath.Items(NodePath.Find(check, "trustedDirectoryCheck", "trustedDirPatterns")))
        {
            if (!DirectoryPattern.TryParse(NodePath.Text(item), out var pattern, out _))
            {
                continue;
            }

            if (PublicRegistries.LintDirectory(file.Path, pattern.Text, item.Mark) is { } finding)
            {
                yield return finding;
            }

            if (!Inside(pattern.Text).Any(pattern.Contains))
            {
                yield return file.Finding(
                    LintRule.PatternNeverMatches, item.Mark, $"no image lies in `{Shown.Value(pattern.Text)}`: names are normalised before they are matched", "write the registry and the path in full, in lower case (docker.io/library for Docker's own)");
            }
        }
    }

    /// <summary>Normalised names of images that lie in the directory if any does.</summary>
    private static IEnumerable<string> Inside(string directory)
    {
        // The star of the registry stands for anything, those of the path are at its end.
        var bare = directory.TrimEnd('*').TrimEnd('/').Replace("*", "x", StringComparison.Ordinal);
        return new[] { $"{bare}/x", $"{bare}/x/x" }.Select(text => ImageReference.TryParse(text, out var image) ? image.Name : "");
    }

    private static IEnumerable<LintFinding> Empty(LintedFile file, PlatformPolicy policy, IReadOnlyList<DocumentNode> sets)
    {
        const string Remedy = "if nothing is meant to pass, write a check `alwaysDeny: true`; if all is, keep it";
        if (policy.CloudRunRule is null && sets.Count == 0)
        {
            yield return file.Finding(LintRule.EmptyCheckSet, NodePath.MarkOf(file.Tree, "gkePolicy"), "without check sets every image is allowed", Remedy);
        }

        foreach (var set in sets.Where(set => NodePath.Items(NodePath.Find(set, "checks")).Count == 0))
        {
            yield return file.Finding(LintRule.EmptyCheckSet, set.Mark, "a check set without checks allows every image", Remedy);
        }
    }

    private static IEnumerable<LintFinding> Unavailable(LintedFile file, PlatformPolicy policy)
    {
        for (var set = 0; set < policy.CheckSets.Count; set++)
        {
            for (var check = 0; check < policy.CheckSets[set].Checks.Count; check++)
            {
                if (policy.CheckSets[set].Checks[check] is UnavailableCheck unavailable)
                {
                    var mark = NodePath.MarkOf(file.Tree, "gkePolicy", "checkSets", PolicyLinter.Number(set), "checks", PolicyLinter.Number(check));
                    yield return file.Finding(LintRule.CheckUnavailable, mark, $"this version cannot evaluate `{unavailable.Type}`; it answers an error", "bind the policy as MONITOR until it can");
                }
            }
        }
    }

    private static IEnumerable<LintFinding> Shadowed(LintedFile file, PlatformPolicy policy)
    {
        for (var index = 1; index < policy.CheckSets.Count; index++)
        {
            if (policy.CheckSets.Take(index).Any(earlier => earlier.Scope == policy.CheckSets[index].Scope))
            {
                yield return file.Finding(
                    LintRule.CheckSetShadowed, NodePath.MarkOf(file.Tree, "gkePolicy", "checkSets", PolicyLinter.Number(index)), $"check set {index + 1} has the scope of an earlier one, which is chosen first", "merge the two");
            }
        }
    }
}
