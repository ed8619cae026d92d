using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Endpoints;

/// <summary>Binds the methods of <c>ClusterService</c>; see <see cref="GuardedMethod"/>.</summary>
[BindServiceMethod(typeof(ClusterBinder), nameof(Bind))]
public abstract class ClusterBinder
{
    /// <summary>What the reflection service tells; it looks for it here.</summary>
    public static Google.Protobuf.Reflection.ServiceDescriptor Descriptor => ClusterService.Descriptor;

    /// <summary>Called by the gRPC framework, which finds the handlers by the methods' names.</summary>
    public static void Bind(ServiceBinderBase binder, ClusterBinder? endpoint) => binder.AddMethod(
        GuardedMethod.Of("policyservice.v1.ClusterService", "ResolveImage", MethodType.Unary, WireShape.Leaf, ResolveImageRequest.Parser, ResolveImageResponse.Parser),
        endpoint is null ? null : new UnaryServerMethod<ResolveImageRequest, ResolveImageResponse>(endpoint.ResolveImage));

    /// <summary>The digest that a tag names now.</summary>
    public abstract Task<ResolveImageResponse> ResolveImage(ResolveImageRequest request, ServerCallContext context);
}
