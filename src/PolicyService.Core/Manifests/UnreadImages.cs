using PolicyService.Core.Documents;

namespace PolicyService.Core.Manifests;

/// <summary>
/// Counts what in an object looks like an image that would run and was not read: workflows, tasks and custom resources have their
/// containers wherever they like. A wrong count costs a warning, silence an image that nobody judged.
/// </summary>
internal sealed class UnreadImages
{
    private const string Image = "image";
    private static readonly string[] ImageFields = [Image, "imageName"];
    private static readonly string[] ContainerFields = ["containers", "initContainers", "container"];

    /// <summary>
    /// Groups whose kinds are known, all of them: what of them runs images is read, and what else has such fields (a volume of RBD, a
    /// schema) runs none.
    /// </summary>
    private static readonly string[] KnownGroups = ["apps/", "batch/", "extensions/", "apiextensions.k8s.io/"];

    private readonly HashSet<DocumentNode> _read = new(ReferenceEqualityComparer.Instance);

    /// <summary>This value was read.</summary>
    public void Read(DocumentNode? image)
    {
        if (image is not null)
        {
            _read.Add(image);
        }
    }

    /// <summary>How many images of the object were not read.</summary>
    public int CountIn(MappingNode manifest, string apiVersion) =>
        apiVersion == "v1" || KnownGroups.Any(group => apiVersion.StartsWith(group, StringComparison.Ordinal))
            ? 0
            // Of the items of a list each is counted by itself; metadata and status run nothing.
            : manifest.Entries.Where(entry => entry.Key is not ("metadata" or "status") && !(entry.Key == "items" && entry.Value is SequenceNode)).Sum(Count);

    private int Count(MappingEntry entry)
    {
        if (ImageFields.Contains(entry.Key))
        {
            return CountImage(entry.Value);
        }

        var below = CountBelow(entry.Value);
        return ContainerFields.Contains(entry.Key) ? below + Containers(entry.Value).Count(IsWithoutImage) : below;
    }

    private int CountBelow(DocumentNode node) => node switch
    {
        MappingNode mapping => mapping.Entries.Sum(Count),
        SequenceNode sequence => sequence.Items.Sum(CountBelow),
        _ => 0,
    };

    /// <summary>The name itself; a mapping with its parts; or a list of either.</summary>
    private int CountImage(DocumentNode value) => value switch
    {
        ScalarNode scalar => scalar.IsNull || scalar.Text.Length == 0 || _read.Contains(scalar) ? 0 : 1,
        SequenceNode sequence => sequence.Items.Sum(CountImage),
        MappingNode mapping when mapping.Entries.Any(part => _read.Contains(part.Value)) => CountBelow(mapping),
        MappingNode { Entries.Count: > 0 } mapping => Math.Max(CountBelow(mapping), 1),
        _ => 0,
    };

    private static IEnumerable<MappingNode> Containers(DocumentNode value) => value switch
    {
        MappingNode container => [container],
        SequenceNode sequence => sequence.Items.OfType<MappingNode>(),
        _ => [],
    };

    /// <summary>A controller may fill it in: then it is not known which one runs.</summary>
    private static bool IsWithoutImage(MappingNode container) => !container.Entries.Any(entry => entry.Key == Image);
}
