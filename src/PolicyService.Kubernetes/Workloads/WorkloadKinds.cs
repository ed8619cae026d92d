using System.Collections.Frozen;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Workloads;

/// <summary>What objects of a kind have to do with images. Zero is a kind that nobody knows.</summary>
internal enum KindClass
{
    /// <summary>Nobody knows; refused.</summary>
    Unknown = 0,

    /// <summary>A pod.</summary>
    Pod,

    /// <summary>It has the template of a pod.</summary>
    Template,

    /// <summary>It cannot hold an image.</summary>
    Imageless,
}

/// <summary>The kinds that are judged, by group and kind whatever the version.</summary>
internal sealed class WorkloadKinds(IReadOnlyList<TemplatePath> configured)
{
    private static readonly GroupKind PodKind = new("", "Pod");

    private static readonly FrozenDictionary<GroupKind, TemplatePath> BuiltIn = new[]
    {
        new TemplatePath(new GroupKind("apps", "Deployment"), "spec.template"),
        new TemplatePath(new GroupKind("apps", "ReplicaSet"), "spec.template"),
        new TemplatePath(new GroupKind("apps", "StatefulSet"), "spec.template"),
        new TemplatePath(new GroupKind("apps", "DaemonSet"), "spec.template"),
        new TemplatePath(new GroupKind("extensions", "Deployment"), "spec.template"),
        new TemplatePath(new GroupKind("extensions", "ReplicaSet"), "spec.template"),
        new TemplatePath(new GroupKind("extensions", "DaemonSet"), "spec.template"),
        new TemplatePath(new GroupKind("batch", "Job"), "spec.template"),
        new TemplatePath(new GroupKind("batch", "CronJob"), "spec.jobTemplate.spec.template"),
        new TemplatePath(new GroupKind("", "ReplicationController"), "spec.template"),
        new TemplatePath(new GroupKind("", "PodTemplate"), "template"),
    }.ToFrozenDictionary(path => path.Kind);

    // What the subresources of the kinds above are, and what a rule for their groups brings along. Any other kind is refused: it could
    // hold a template that nobody looks at.
    private static readonly FrozenSet<GroupKind> Imageless = new GroupKind[]
    {
        new("autoscaling", "Scale"), new("apps", "Scale"), new("extensions", "Scale"),
        new("", "Binding"), new("policy", "Eviction"), new("policy", "PodDisruptionBudget"),
        new("", "PodExecOptions"), new("", "PodAttachOptions"), new("", "PodPortForwardOptions"), new("", "PodProxyOptions"),
    }.ToFrozenSet();

    private readonly FrozenDictionary<GroupKind, TemplatePath> _templates =
        BuiltIn.Values.Concat(configured.Where(path => !IsBuiltIn(path.Kind))).ToFrozenDictionary(path => path.Kind);

    public static bool IsBuiltIn(GroupKind kind) => kind == PodKind || BuiltIn.ContainsKey(kind) || Imageless.Contains(kind);

    public KindClass ClassOf(GroupKind kind) =>
        kind == PodKind ? KindClass.Pod
        : Imageless.Contains(kind) ? KindClass.Imageless
        : _templates.ContainsKey(kind) ? KindClass.Template
        : KindClass.Unknown;

    public TemplatePath TemplateOf(GroupKind kind) => _templates[kind];
}
