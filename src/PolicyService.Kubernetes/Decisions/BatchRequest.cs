using System.Text;
using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>Writes a question as the service takes it.</summary>
internal static class BatchRequest
{
    /// <summary>Longest image that the service takes; bytes (SEMANTICS section 7).</summary>
    public const int MaxImageBytes = 1024;

    /// <summary>Labels and annotations, which never decide; bytes. The service takes twice as many.</summary>
    public const int MaxMetadataBytes = 128 * 1024;

    /// <summary>Labels and annotations, in number; the service counts them among the parts of a message, of which it takes ten times as many.</summary>
    public const int MaxMetadata = 10_000;

    private const string Algorithm = "sha256:";
    private const string DefaultRepository = "docker.io/library/";

    /// <summary>A copy of the whole object, which is neither short nor fit to be recorded.</summary>
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <param name="images">What is asked about; too long ones are answered without the service.</param>
    /// <param name="question">The question.</param>
    /// <param name="settings">Whose cluster it is.</param>
    public static EvaluateBatchRequest Of(IEnumerable<string> images, AdmissionQuestion question, AdapterSettings settings)
    {
        var batch = new EvaluateBatchRequest { Requests = { images.Select(image => One(image, question, settings)) } };
        if (batch.Requests.Count > 0)
        {
            // Once for the object: they are the same for each of its images.
            var (room, count) = (MaxMetadataBytes, MaxMetadata);
            Add(question.Labels, batch.Requests[0].Labels, ref room, ref count);
            Add(question.Annotations, batch.Requests[0].Annotations, ref room, ref count);
        }

        return batch;
    }

    private static EvaluateRequest One(string image, AdmissionQuestion question, AdapterSettings settings) => new()
    {
        ImageDigest = NameOf(image),
        Cluster = settings.Cluster,
        Project = settings.Project,
        Namespace = question.Namespace,
        ServiceAccount = question.ServiceAccount,
        IstioIdentity = settings.TrustDomain.Length > 0 && question is { Namespace.Length: > 0, ServiceAccount.Length: > 0 }
            ? $"spiffe://{settings.TrustDomain}/ns/{question.Namespace}/sa/{question.ServiceAccount}"
            : "",
        BreakGlass = question.IsBreakGlass ? new BreakGlass() : null,
        Preview = question.IsPreview,
    };

    /// <summary>
    /// The image as nodes read it: to them <c>sha256:…</c> alone is no digest, but a tag of the repository <c>sha256</c> (distribution's
    /// reference grammar), which whoever writes to a mirror or a search registry chooses. Judged as a digest it would pass by the evidence of another image.
    /// </summary>
    private static string NameOf(string image) => image.StartsWith(Algorithm, StringComparison.Ordinal) ? DefaultRepository + image : image;

    /// <summary>All of them, or none: half of them would be taken for all.</summary>
    private static void Add(IReadOnlyDictionary<string, string> pairs, Google.Protobuf.Collections.MapField<string, string> wire, ref int room, ref int count)
    {
        var kept = pairs.Where(pair => pair.Key != LastApplied).ToArray();
        var bytes = kept.Sum(pair => (long)Encoding.UTF8.GetByteCount(pair.Key) + Encoding.UTF8.GetByteCount(pair.Value));
        if (bytes > room || kept.Length > count)
        {
            return;
        }

        (room, count) = (room - (int)bytes, count - kept.Length);
        foreach (var (key, value) in kept)
        {
            wire[key] = value;
        }
    }
}
