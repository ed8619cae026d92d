using System.Text;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Workloads;

/// <summary>An object that runs images, or that has templates of pods that do.</summary>
/// <param name="IsPod">It is a pod itself.</param>
/// <param name="Name">Its name, or its generateName.</param>
/// <param name="Pods">The pod, or the templates, with those images only that are to be judged.</param>
internal sealed record Workload(bool IsPod, string Name, IReadOnlyList<PodTemplate> Pods)
{
    /// <summary>It carries a marker of break-glass itself. One inside a template reaches the pods by itself.</summary>
    public bool IsBreakGlass { get; init; }

    /// <summary>What people should know of it, whatever is decided; a line each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>Finds the images of an object that are to be judged.</summary>
internal sealed class WorkloadReader(WorkloadKinds kinds)
{
    /// <summary>Longest image reference that is asked about; bytes (SEMANTICS section 7). No node could pull a longer one.</summary>
    public const int MaxImageBytes = 1024;

    private static readonly FieldNames Top = new("apiVersion", "kind", "metadata", "spec", "template");
    private static readonly FieldNames Metadata = new("name", "generateName", "namespace", "labels", "annotations");
    private static readonly FieldNames TemplateFields = new("metadata", "spec");
    private static readonly FieldNames PodSpec = new("containers", "initContainers", "ephemeralContainers", "volumes", "serviceAccountName", "serviceAccount");

    /// <summary>Reads the object of a request of a kind that runs images; an update leaves only what the old object does not have.</summary>
    /// <exception cref="ReviewException">It is no such object.</exception>
    public Workload Read(AdmissionRequest request)
    {
        var element = request.NewObject ?? throw ReviewFields.Malformed("request.object", "is missing: there is nothing to judge");
        var warnings = new List<string>();
        var top = ReviewFields.Of(element, "object", Top);
        RequireKind(top, request);
        var metadata = top.Child("metadata", Metadata);
        RequireNamespace(metadata, request);
        var (labels, annotations) = (metadata?.Texts("labels") ?? [], metadata?.Texts("annotations") ?? []);
        var isPod = kinds.ClassOf(request.Kind) is KindClass.Pod;
        var pods = PodsOf(top, request.Kind, warnings);
        var old = request.Operation is AdmissionOperation.Update ? OldImages(request) : [];
        var added = ImageChanges.Added(pods.SelectMany(pod => pod.Images), old).ToHashSet();
        if (isPod)
        {
            // Of a template it is one more thing to say of the pods.
            RequireLength(added);
        }

        return new Workload(isPod, NameOf(request, metadata), [.. pods.Select(pod => pod with { Images = [.. pod.Images.Where(added.Contains)] })])
        {
            IsBreakGlass = BreakGlassMarker.IsSet(labels, annotations),
            Warnings = warnings,
        };
    }

    /// <summary>The images of the old object. One that cannot be read vouches for nothing: then all are judged.</summary>
    public IReadOnlyList<ContainerImage> OldImages(AdmissionRequest request)
    {
        try
        {
            return request.OldObject is { } old
                ? [.. PodsOf(ReviewFields.Of(old, "oldObject", Top), request.Kind, []).SelectMany(pod => pod.Images)]
                : [];
        }
        catch (ReviewException)
        {
            return [];
        }
    }

    /// <summary>Only what is judged: an old pod with such a name must still get rid of its finalizers.</summary>
    private static void RequireLength(IEnumerable<ContainerImage> images)
    {
        if (images.FirstOrDefault(image => Encoding.UTF8.GetByteCount(image.Image) > MaxImageBytes) is { } image)
        {
            throw ReviewFields.Malformed(
                $"{image.Field} {PlainText.Line(image.Name, 80)}",
                $"has an image reference of {image.Image.Length} characters, `{PlainText.Line(image.Image, 80)}`: at most {MaxImageBytes} bytes name an image");
        }
    }

    /// <summary>What is judged must be what the review says it is about.</summary>
    private static void RequireKind(ReviewFields top, AdmissionRequest request)
    {
        if (top.Text("kind") is { Length: > 0 } kind && kind != request.Kind.Kind)
        {
            throw ReviewFields.Malformed("object.kind", $"is `{PlainText.Line(kind, 80)}`, and the review is about a `{PlainText.Line(request.Kind.Kind, 80)}`");
        }
    }

    /// <summary>Rules go by the namespace of the review, which the cluster vouches for; an object that names another one is a mix-up or a trick.</summary>
    private static void RequireNamespace(ReviewFields? metadata, AdmissionRequest request)
    {
        if (metadata?.Text("namespace") is { Length: > 0 } other && other != request.Namespace)
        {
            throw ReviewFields.Malformed(
                "object.metadata.namespace", $"is `{PlainText.Line(other, 80)}`, and the review is about namespace `{PlainText.Line(request.Namespace, 80)}`");
        }
    }

    private static string NameOf(AdmissionRequest request, ReviewFields? metadata) =>
        request.Name.Length > 0 ? request.Name
        : metadata?.Text("name") is { Length: > 0 } name ? name
        : metadata?.Text("generateName") ?? "";

    private List<PodTemplate> PodsOf(ReviewFields top, GroupKind kind, List<string> warnings)
    {
        if (kinds.ClassOf(kind) is KindClass.Pod)
        {
            var pod = Pod(top, "", warnings);
            return pod.Images.Count > 0 ? [pod] : throw ReviewFields.Malformed($"{top.Path}.spec.containers", "names no container: a pod cannot be without one");
        }

        var path = kinds.TemplateOf(kind);
        var pods = At(top, path.Steps).Select(element => Pod(element, path.Path, warnings)).ToList();
        if (pods.Count == 0)
        {
            warnings.Add($"this {PlainText.Line(kind.Kind, 80)} has no pod template at `{path.Path}`: its pods are judged when they are made");
        }

        return pods;
    }

    private static PodTemplate Pod(ReviewFields owner, string template, List<string> warnings)
    {
        var metadata = owner.Child("metadata", Metadata);
        var spec = owner.Child("spec", PodSpec);
        return new PodTemplate(template, ServiceAccountOf(spec), spec is null ? [] : PodImages.Read(spec, template, warnings))
        {
            Labels = metadata?.Texts("labels") ?? [],
            Annotations = metadata?.Texts("annotations") ?? [],
        };
    }

    private static string ServiceAccountOf(ReviewFields? spec) =>
        spec?.Text("serviceAccountName") is { Length: > 0 } name ? name
        : spec?.Text("serviceAccount") is { Length: > 0 } older ? older
        : "default";

    /// <summary>Follows a path; each step looks for look-alikes of the name it follows.</summary>
    private static IEnumerable<ReviewFields> At(ReviewFields start, IReadOnlyList<(string Name, bool IsList)> steps)
    {
        IEnumerable<ReviewFields> reached = [start.Recheck(new FieldNames(steps[0].Name))];
        for (var index = 0; index < steps.Count; index++)
        {
            var (name, isList) = steps[index];
            var next = index + 1 < steps.Count ? new FieldNames(steps[index + 1].Name) : TemplateFields;
            reached = reached.SelectMany(fields => isList
                ? fields.Items(name).Select((element, place) => ReviewFields.Of(element, $"{fields.Path}.{name}[{place}]", next))
                : fields.Child(name, next) is { } child ? [child] : []);
        }

        return [.. reached];
    }
}
