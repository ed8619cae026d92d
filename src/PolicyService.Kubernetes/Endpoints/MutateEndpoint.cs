using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Pinning;
using PolicyService.Kubernetes.Reviews;
using PolicyService.Kubernetes.Workloads;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>
/// The mutating webhook: it puts digests in the place of tags, so that what the validating webhook judges afterwards is what runs. It refuses
/// no object; what it cannot pin is judged as it is.
/// </summary>
internal sealed class MutateEndpoint(ReviewExchange exchange, TagPinner pinner, WorkloadKinds kinds, AdapterSettings settings)
{
    private const string EphemeralContainers = "ephemeralcontainers";
    private readonly WorkloadReader _reader = new(kinds);

    public Task HandleAsync(HttpContext http) => exchange.AdmissionAsync(http, AnswerAsync);

    private Task<AdmissionAnswer> AnswerAsync(AdmissionRequest request, TimeSpan patience, CancellationToken cancellation) =>
        settings.PinsTags
        && kinds.ClassOf(request.Kind) is KindClass.Pod
        && request.Operation is AdmissionOperation.Create or AdmissionOperation.Update
        && request.SubResource is "" or EphemeralContainers
            ? PinAsync(request, patience, cancellation)
            : Task.FromResult(AdmissionAnswer.Admitted);

    private async Task<AdmissionAnswer> PinAsync(AdmissionRequest request, TimeSpan patience, CancellationToken cancellation)
    {
        var isEphemeral = request.SubResource == EphemeralContainers;
        ContainerImage[] tagged;
        try
        {
            tagged = [.. _reader.Read(request).Pods.SelectMany(pod => pod.Images)
                .Where(image => TagPinner.HasOnlyTag(image.Image) && (!isEphemeral || image.Field == "ephemeralContainers"))];
        }
        catch (ReviewException exception)
        {
            return Unpinned($"tags are not pinned: {exception.Problem.Message}");
        }

        string[] distinct = [.. tagged.Select(image => image.Image).Distinct(StringComparer.Ordinal)];
        if (distinct.Length is 0 or > AdmissionQuestion.MaxImages)
        {
            return distinct.Length == 0 ? AdmissionAnswer.Admitted : Unpinned($"tags are not pinned: there are {distinct.Length}, more than {AdmissionQuestion.MaxImages}");
        }

        var resolved = await pinner.ResolveAsync(distinct, patience, cancellation);
        var pins = tagged.Distinct().Where(image => resolved.Digests.ContainsKey(image.Image)).ToDictionary(image => image, image => resolved.Digests[image.Image]);
        return AdmissionAnswer.Admitted with
        {
            Warnings = WarningLines.Fit(resolved.Warnings),
            Patch = PinPatch.Write(request.NewObject!.Value, pins, keepsTags: !isEphemeral),
        };
    }

    private static AdmissionAnswer Unpinned(string warning) => AdmissionAnswer.Admitted with { Warnings = WarningLines.Fit([warning]) };
}
