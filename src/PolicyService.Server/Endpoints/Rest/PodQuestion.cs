using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>A pod that somebody asks about, and the images it would run.</summary>
/// <param name="Name">Name of the object it stands in; may be empty.</param>
/// <param name="Namespace">Kubernetes calls it <c>default</c> where the object says nothing.</param>
/// <param name="ServiceAccount">As before.</param>
/// <param name="Images">In the order of the manifest, as it spells them.</param>
internal sealed record PodQuestion(string Name, string Namespace, string ServiceAccount, IReadOnlyList<ImageReference> Images)
{
    private const string Default = "default";

    /// <summary>Reads the body of <c>:evaluate</c>: a Pod, or anything with a pod template.</summary>
    /// <returns>The pods; meaningless if the body has problems afterwards.</returns>
    public static IReadOnlyList<PodQuestion> Read(RestBody body)
    {
        var reader = new MappingReader(body.Root, body.Problems);
        var mode = reader.Text("attestationMode");
        var resource = reader.Take("resource");
        reader.End();
        if (mode is not (null or "ATTESTATION_MODE_UNSPECIFIED"))
        {
            body.Problems.Error(reader.MarkOf("attestationMode"), $"`attestationMode` is `{Shown.Value(mode)}`", "leave it out: this version signs no verdicts");
        }

        if (resource is null)
        {
            body.Problems.Missing(body.Root.Mark, "resource", "write the Kubernetes object");
            return [];
        }

        var read = ManifestReader.Read([resource], null, null, body.Problems).Images;
        if (read.Count > Limits.BatchImages)
        {
            body.Problems.Error(resource.Mark, $"it runs {read.Count} images, more than {Limits.BatchImages}", "ask about fewer at once");
            return [];
        }

        return [.. read.GroupBy(image => image.Pod).Select(pod => Of(pod, body.Problems))];
    }

    private static PodQuestion Of(IEnumerable<ManifestImage> pod, ProblemList problems)
    {
        var images = new List<ImageReference>();
        var first = pod.First();
        foreach (var image in pod)
        {
            if (ImageReference.TryParse(image.Image, out var reference, out var problem))
            {
                images.Add(reference);
            }
            else
            {
                problems.Error(image.Mark, $"`{Shown.Value(image.Image)}` is no image reference", problem);
            }
        }

        var space = first.Namespace.Length > 0 ? first.Namespace : Default;
        var account = first.ServiceAccount.Length > 0 ? first.ServiceAccount : Default;
        if (!WorkloadNames.IsLabel(space) || !WorkloadNames.IsSubdomain(account))
        {
            problems.Error(first.Mark, $"its namespace `{Shown.Value(space)}` or service account `{Shown.Value(account)}` is no name", "write names as Kubernetes takes them");
        }

        return new PodQuestion(first.Owner, space, account, images);
    }
}
