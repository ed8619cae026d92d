using System.Collections.Frozen;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Policies;

/// <summary>What a bound platform policy does on a cluster.</summary>
public enum BindingMode
{
    /// <summary>Shows in the trace only.</summary>
    Monitor,
    DryRun,
    Enforce,
}

/// <summary>A platform policy bound to a cluster.</summary>
public sealed record PlatformPolicyBinding(PlatformPolicyName Name, BindingMode Mode);

/// <summary>What is known of a cluster: whose it is, where it runs, what binds it.</summary>
public sealed record ClusterBinding(string Project, Platform Platform, IReadOnlyList<PlatformPolicyBinding> PlatformPolicies)
{
    /// <summary>What a cluster is under that nothing names.</summary>
    internal static ClusterBinding None(string project) => new(project, Platform.OnPrem, []);
}

/// <summary><c>clusters.yaml</c> (SEMANTICS section 8).</summary>
public sealed class ClusterBindings
{
    public required FrozenDictionary<string, ClusterBinding> Clusters { get; init; }

    /// <summary>The binding of clusters not listed; null if there is none.</summary>
    public required ClusterBinding? Default { get; init; }

    /// <summary>Projects for which a listed cluster enforces a platform policy.</summary>
    public FrozenSet<string> EnforcingProjects => field ??= Clusters.Values
        .Where(cluster => cluster.PlatformPolicies.Any(binding => binding.Mode is BindingMode.Enforce))
        .Select(cluster => cluster.Project)
        .ToFrozenSet(StringComparer.Ordinal);

    public static ClusterBindings? Parse(DocumentNode? node, ProblemList problems)
    {
        if (MappingReader.Of(node, "the clusters document", problems) is not { } reader)
        {
            return null;
        }

        var clusters = new Dictionary<string, ClusterBinding>(StringComparer.Ordinal);
        foreach (var entry in reader.Entries("clusters"))
        {
            if (!WorkloadNames.IsCluster(entry.Key))
            {
                problems.Error(entry.Mark, $"`{Shown.Value(entry.Key)}` is no cluster", "write location.clusterId");
            }

            if (MappingReader.Of(entry.Value, "the cluster", problems) is { } cluster && ParseCluster(cluster) is { } binding)
            {
                clusters[entry.Key] = binding;
            }
        }

        var fallback = reader.Mapping("default") is { } standard ? ParseCluster(standard) : null;
        reader.End();
        return problems.HasErrors ? null : new ClusterBindings { Clusters = clusters.ToFrozenDictionary(StringComparer.Ordinal), Default = fallback };
    }

    private static ClusterBinding? ParseCluster(MappingReader reader)
    {
        var project = reader.Required<string>("project", OptionsParser.ParseProject, "name the project whose policy decides");
        var platform = reader.Required<Platform>("platform", ParsePlatform, "write GKE, ON_PREM or CLOUD_RUN");
        var bindings = reader.Mappings("platformPolicies", item => ParseBinding(item, platform));
        reader.End();
        return project is null ? null : new ClusterBinding(project, platform, bindings);
    }

    private static PlatformPolicyBinding? ParseBinding(MappingReader reader, Platform platform)
    {
        var name = reader.Required<PlatformPolicyName>("name", PlatformPolicyName.Parse, "name the platform policy");
        var mode = reader.Value<BindingMode>("mode", ParseMode);
        var fits = platform is Platform.CloudRun ? "cloudRun" : "gke";
        if (name.Platform is { } kind && kind != fits)
        {
            reader.Problems.Error(reader.MarkOf("name"), $"a policy for {kind} is bound to a cluster of another platform", $"bind a policy under platforms/{fits}");
        }

        return new PlatformPolicyBinding(name, mode);
    }

    private static bool ParsePlatform(string text, out Platform platform, out string problem)
    {
        problem = "write GKE, ON_PREM or CLOUD_RUN";
        platform = text switch { "GKE" => Platform.Gke, "CLOUD_RUN" => Platform.CloudRun, _ => Platform.OnPrem };
        return text is "GKE" or "ON_PREM" or "CLOUD_RUN";
    }

    private static bool ParseMode(string text, out BindingMode mode, out string problem)
    {
        problem = "write MONITOR, DRYRUN or ENFORCE";
        mode = text switch { "DRYRUN" => BindingMode.DryRun, "ENFORCE" => BindingMode.Enforce, _ => BindingMode.Monitor };
        return text is "MONITOR" or "DRYRUN" or "ENFORCE";
    }
}
