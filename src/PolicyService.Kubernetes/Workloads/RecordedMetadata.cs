using System.Text;

namespace PolicyService.Kubernetes.Workloads;

/// <summary>
/// The labels and annotations that are sent along to be recorded. They never decide, so too many of them must not make a batch that the
/// service refuses: then whoever writes a long annotation would stop deliveries.
/// </summary>
internal static class RecordedMetadata
{
    // A batch is at most 4 MiB and 10,000 parts (SEMANTICS section 7), and each of its images carries them.
    private const int MaxBytes = 64 * 1024;
    private const int MaxBatchBytes = 1024 * 1024;
    private const int MaxBatchParts = 4000;
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>As many as fit, the first in order of their names; labels before annotations.</summary>
    /// <param name="labels">All labels.</param>
    /// <param name="annotations">All annotations.</param>
    /// <param name="images">How many images carry them.</param>
    public static (IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Annotations) Fit(
        IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> annotations, int images)
    {
        var bytes = Math.Min(MaxBytes, MaxBatchBytes / Math.Max(images, 1));
        var parts = MaxBatchParts / Math.Max(images, 1);
        return (Take(labels, ref bytes, ref parts), Take(annotations, ref bytes, ref parts));
    }

    private static Dictionary<string, string> Take(IReadOnlyDictionary<string, string> all, ref int bytes, ref int parts)
    {
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in all.Where(pair => pair.Key != LastApplied).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var size = Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
            if (parts > 0 && size <= bytes)
            {
                (bytes, parts) = (bytes - size, parts - 1);
                taken[key] = value;
            }
        }

        return taken;
    }
}
