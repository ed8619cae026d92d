using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Workloads;

/// <summary>Where objects of a kind have their pod templates: one entry of <c>--Templates:Kinds</c>.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Path">Dotted path of the PodTemplateSpec; <c>[*]</c> after a name for every element of a list.</param>
public sealed record TemplatePath(GroupKind Kind, string Path)
{
    private const string EachElement = "[*]";
    private const string Form = "write Kind.group=path;..., e.g. Rollout.argoproj.io=spec.template;JobSet.jobset.x-k8s.io=spec.replicatedJobs[*].template.spec.template";

    /// <summary>The steps of the path: the name of a field, and whether it is a list whose every element is meant.</summary>
    internal IReadOnlyList<(string Name, bool IsList)> Steps { get; } = [.. Path.Split('.').Select(step =>
        step.EndsWith(EachElement, StringComparison.Ordinal) ? (step[..^EachElement.Length], true) : (step, false))];

    /// <summary>Reads the setting <c>--Templates:Kinds</c>.</summary>
    /// <exception cref="SettingsException">It is none.</exception>
    public static IReadOnlyList<TemplatePath> ParseList(string text)
    {
        var paths = text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse).ToArray();
        return paths.DistinctBy(path => path.Kind).Count() == paths.Length && !paths.Any(path => WorkloadKinds.IsBuiltIn(path.Kind))
            ? paths
            : throw new SettingsException($"--Templates:Kinds `{text}` names a kind twice, or one that is judged anyway: {Form}");
    }

    private static TemplatePath Parse(string entry)
    {
        var parts = entry.Split('=', 2, StringSplitOptions.TrimEntries);
        var dot = parts[0].IndexOf('.', StringComparison.Ordinal);
        var isEntry = parts.Length == 2 && dot > 0 && dot < parts[0].Length - 1;
        var path = isEntry ? new TemplatePath(new GroupKind(parts[0][(dot + 1)..], parts[0][..dot]), parts[1]) : null;
        return path is not null && path.Steps.All(step => step.Name.Length > 0 && step.Name.All(char.IsAsciiLetterOrDigit))
            ? path
            : throw new SettingsException($"--Templates:Kinds has an entry `{entry}` that is none: {Form}");
    }
}
