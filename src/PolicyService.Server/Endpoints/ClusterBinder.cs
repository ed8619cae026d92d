using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Endpoints;

/// <summary>Binds the methods of <c>ClusterService</c>; see <see cref="GuardedMethod"/>.</summary>
[BindServiceMethod(typeof(ClusterBinder), nameof(Bind))]
public abstract class ClusterBinder
{
    private const string Service = "policyservice.v1.ClusterService";

    /// <summary>What the reflection service tells; it looks for it here.</summary>
    public static Google.Protobuf.Reflection.ServiceDescriptor Descriptor => ClusterService.Descriptor;

    /// <summary>Called by the gRPC framework, which finds the handlers by the methods' names.</summary>
    public static void Bind(ServiceBinderBase binder, ClusterBinder? endpoint)
    {
        binder.AddMethod(
            GuardedMethod.Of(Service, "ResolveImage", MethodType.Unary, WireShape.Leaf, ResolveImageRequest.Parser, ResolveImageResponse.Parser),
            endpoint is null ? null : new UnaryServerMethod<ResolveImageRequest, ResolveImageResponse>(endpoint.ResolveImage));
        binder.AddMethod(
            GuardedMethod.Of(Service, "WatchChanges", MethodType.ServerStreaming, WireShape.Leaf, WatchChangesRequest.Parser, WatchChangesResponse.Parser),
            endpoint is null ? null : new ServerStreamingServerMethod<WatchChangesRequest, WatchChangesResponse>(endpoint.WatchChanges));
        binder.AddMethod(
            GuardedMethod.Of(Service, "ReportFindings", MethodType.Unary, WireShape.Findings, ReportFindingsRequest.Parser, ReportFindingsResponse.Parser),
            endpoint is null ? null : new UnaryServerMethod<ReportFindingsRequest, ReportFindingsResponse>(endpoint.ReportFindings));
    }

    /// <summary>The digest that a tag names now.</summary>
    public abstract Task<ResolveImageResponse> ResolveImage(ResolveImageRequest request, ServerCallContext context);

    /// <summary>What holds for a cluster, now and at each change.</summary>
    public abstract Task WatchChanges(WatchChangesRequest request, IServerStreamWriter<WatchChangesResponse> responseStream, ServerCallContext context);

    /// <summary>What happened on a cluster.</summary>
    public abstract Task<ReportFindingsResponse> ReportFindings(ReportFindingsRequest request, ServerCallContext context);
}
