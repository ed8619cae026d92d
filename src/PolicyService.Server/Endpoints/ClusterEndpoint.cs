using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Server.Access;
using PolicyService.Server.Decisions;

namespace PolicyService.Server.Endpoints;

/// <summary>What clusters ask for beside decisions. Who may ask about a cluster is who may have its images evaluated.</summary>
public sealed class ClusterEndpoint(EvaluationGate gate, ClusterGate access, TagLookups tags, ClusterWatch watch, FindingReports findings, TimeProvider time) : ClusterBinder
{
    public override Task WatchChanges(WatchChangesRequest request, IServerStreamWriter<WatchChangesResponse> responseStream, ServerCallContext context) =>
        watch.RunAsync(request, responseStream, context);

    public override Task<ReportFindingsResponse> ReportFindings(ReportFindingsRequest request, ServerCallContext context) => findings.RecordAsync(request, context);

    public override async Task<ResolveImageResponse> ResolveImage(ResolveImageRequest request, ServerCallContext context)
    {
        var image = Parse(request);
        var version = gate.Version;
        access.Check(request.Cluster, request.Project, context.GetHttpContext().Caller(), version);
        var snapshot = version.Snapshot;
        if (!snapshot.TryFindProject(request.Cluster, request.Project, out var project, out var problem))
        {
            throw Refused(RequestProblem.Of("project", request.Project, problem));
        }

        if (image.Digest is { } digest)
        {
            return new ResolveImageResponse { ImageDigest = Whole(image, digest), Digest = digest.ToString() };
        }

        var repository = FindRepository(snapshot, project, image);
        using var ending = new TimedCancellation(gate.DeadlineOf(context.Deadline).EvaluationTime(time.GetUtcNow()), time, context.CancellationToken);
        try
        {
            return Answer(image, repository, await tags.FindAsync(project, repository, image.Tag!, ending.Token));
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw Failed(repository, RemoteFailure.Deadline);
        }
    }

    private static ImageReference Parse(ResolveImageRequest request)
    {
        var problem = RequestParser.Limit("image", request.Image, Limits.LongStringBytes)
            ?? RequestParser.Limit("cluster", request.Cluster, Limits.StringBytes)
            ?? RequestParser.Limit("project", request.Project, Limits.StringBytes)
            ?? RequestParser.Place(request.Cluster, request.Project);
        if (problem is not null)
        {
            throw Refused(problem);
        }

        if (!ImageReference.TryParse(request.Image, out var image, out var why))
        {
            throw Refused(RequestProblem.Of("image", request.Image, why));
        }

        // A tag beside such a digest may name something else, and the digest was meant to say what.
        return image.HasUnusableDigest ? throw Refused(RequestProblem.Of("image", request.Image, "its digest is no sha256: write a tag alone, or a sha256 digest"))
            : image.Digest is null && image.Tag is null ? throw Refused(RequestProblem.Of("image", request.Image, "it has no tag and no digest: write the tag, `latest` is not added"))
            : image;
    }

    private static RegistryRepository FindRepository(PolicySnapshot snapshot, string project, ImageReference image)
    {
        var options = snapshot.Projects.GetValueOrDefault(project);
        if (options is { OptionsRefused: true })
        {
            throw Error(StatusCode.FailedPrecondition, $"options.yaml of the project `{Shown.Value(project)}` was never readable, so its registries are unknown");
        }

        return options is not null && RegistryRepository.TryFind(options.Options, image, out var repository) ? repository
            : throw Error(StatusCode.FailedPrecondition, $"image: `{Shown.Value(image.Name)}` lies on no registry of the project `{Shown.Value(project)}`: list its host under `registries` in options.yaml");
    }

    private static ResolveImageResponse Answer(ImageReference image, RegistryRepository repository, RegistryOutcome outcome)
    {
        if (outcome.Content is not { } content)
        {
            throw outcome switch
            {
                { IsNotThere: true } => Error(StatusCode.NotFound, $"image: the registry has no tag `{Shown.Value(image.Tag!)}` in `{repository}`: write one that is there"),
                { IsTooLarge: true } => Error(StatusCode.ResourceExhausted, $"REGISTRY:TOO_LARGE: the manifest of `{repository}` has more than {Limits.ManifestBytes} bytes"),
                _ => Failed(repository, outcome.Failure),
            };
        }

        var isIndex = OciIndex.TryParse(content.Bytes, out var index, out _);
        var manifest = !isIndex && OciManifest.TryParse(content.Bytes, out var read, out _) ? read : null;
        if (!isIndex && manifest is null)
        {
            throw Failed(repository, RemoteFailure.Malformed);
        }

        // What the document says of itself; one that says nothing is what the specification of OCI calls it.
        var type = isIndex ? (index!.MediaType is { Length: > 0 } ofIndex ? ofIndex : OciIndex.Oci) : manifest!.MediaType is { Length: > 0 } own ? own : OciManifest.Oci;
        return new ResolveImageResponse { ImageDigest = Whole(image, content.Digest), Digest = content.Digest.ToString(), MediaType = type, IsIndex = isIndex };
    }

    private static string Whole(ImageReference image, Digest digest) =>
        image.Name.Length == 0 ? digest.ToString() : image.Tag is null ? $"{image.Name}@{digest}" : $"{image.Name}:{image.Tag}@{digest}";

    private static RpcException Refused(RequestProblem problem) => Error(StatusCode.InvalidArgument, problem.Message);

    private static RpcException Failed(RegistryRepository repository, RemoteFailure failure)
    {
        var (why, remedy) = RegistryFailures.Text(repository, failure);
        return Error(CodeOf(failure), $"REGISTRY:{RemoteFailures.Name(failure)}: {why}: {remedy}");
    }

    /// <summary>Whether asking again may help (UNAVAILABLE), or somebody has to change something first.</summary>
    private static StatusCode CodeOf(RemoteFailure failure) => failure switch
    {
        RemoteFailure.Deadline => StatusCode.DeadlineExceeded,
        RemoteFailure.NotFound => StatusCode.NotFound,
        RemoteFailure.RateLimited => StatusCode.ResourceExhausted,
        RemoteFailure.NoCredentials or RemoteFailure.Unauthenticated or RemoteFailure.PermissionDenied or RemoteFailure.Refused
            or RemoteFailure.RedirectRefused or RemoteFailure.RealmRefused => StatusCode.FailedPrecondition,
        _ => StatusCode.Unavailable,
    };

    private static RpcException Error(StatusCode code, string message) => new(new Status(code, message));
}
