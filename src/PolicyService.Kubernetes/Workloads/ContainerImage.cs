using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Workloads;

/// <summary>Where a pod names an image. An update is compared by all four; the place in its list is none of them.</summary>
/// <param name="Template">Path of the pod template in its object, e.g. <c>spec.template</c>; empty for a pod.</param>
/// <param name="Field">List it stands in: <c>containers</c>, <c>initContainers</c>, <c>ephemeralContainers</c> or <c>volumes</c>.</param>
/// <param name="Name">Name of the container, or of the volume.</param>
/// <param name="Image">The image, as it is written.</param>
public sealed record ContainerImage(string Template, string Field, string Name, string Image);

/// <summary>A pod, or the template of one.</summary>
/// <param name="Path">Path of the template in its object; empty for a pod.</param>
/// <param name="ServiceAccount">Bare name of its service account.</param>
/// <param name="Images">Its images in the order of the document.</param>
public sealed record PodTemplate(string Path, string ServiceAccount, IReadOnlyList<ContainerImage> Images)
{
    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Its annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}

/// <summary>What an update leaves to be judged.</summary>
public static class ImageChanges
{
    /// <summary>
    /// The images that the old object does not have at the same place under the same name. A pod that was admitted before the policy changed
    /// must still get its labels and lose its finalizers, or it hangs in Terminating (KUBERNETES.md point 6).
    /// </summary>
    public static IReadOnlyList<ContainerImage> Added(IEnumerable<ContainerImage> images, IEnumerable<ContainerImage> old)
    {
        // Counted: one that stands twice now and stood once before is added.
        var known = old.GroupBy(image => image).ToDictionary(group => group.Key, group => group.Count());
        return [.. images.Where(image => !Take(known, image))];
    }

    private static bool Take(Dictionary<ContainerImage, int> known, ContainerImage image)
    {
        if (!known.TryGetValue(image, out var left) || left == 0)
        {
            return false;
        }

        known[image] = left - 1;
        return true;
    }
}

/// <summary>Reads the images of a pod's <c>spec</c>: containers of every sort, and volumes that are images.</summary>
internal static class PodImages
{
    private static readonly string[] ContainerFields = ["containers", "initContainers", "ephemeralContainers"];
    private static readonly FieldNames Container = new("name", "image");
    private static readonly FieldNames Volume = new("name", "image");
    private static readonly FieldNames ImageVolume = new("reference");

    /// <param name="spec">The pod's <c>spec</c>.</param>
    /// <param name="template">Path of its template; empty for a pod.</param>
    /// <param name="warnings">Gets a line for each image of a template that is empty: a controller fills it in.</param>
    public static List<ContainerImage> Read(ReviewFields spec, string template, List<string> warnings)
    {
        var images = new List<ContainerImage>();
        foreach (var field in ContainerFields)
        {
            var index = 0;
            foreach (var element in spec.Items(field))
            {
                var container = ReviewFields.Of(element, $"{spec.Path}.{field}[{index++}]", Container);
                Add(images, warnings, container, template, field, NameOf(container), container.Text("image"));
            }
        }

        var volumes = 0;
        foreach (var element in spec.Items("volumes"))
        {
            var volume = ReviewFields.Of(element, $"{spec.Path}.volumes[{volumes++}]", Volume);
            if (volume.Child("image", ImageVolume) is { } image)
            {
                Add(images, warnings, image, template, "volumes", NameOf(volume), image.Text("reference"));
            }
        }

        return images;
    }

    private static void Add(List<ContainerImage> images, List<string> warnings, ReviewFields owner, string template, string field, string name, string image)
    {
        if (image.Length == 0 && template.Length > 0)
        {
            warnings.Add($"`{owner.Path}` has no image yet: it is judged in the pods");
            return;
        }

        if (image.Length == 0)
        {
            throw ReviewFields.Malformed(owner.Path, "has no image: a pod cannot run without one");
        }

        images.Add(new ContainerImage(template, field, name, image));
    }

    private static string NameOf(ReviewFields owner) =>
        owner.Text("name") is { Length: > 0 } name ? name : throw ReviewFields.Malformed(owner.Path, "has no `name`: give it one");
}
