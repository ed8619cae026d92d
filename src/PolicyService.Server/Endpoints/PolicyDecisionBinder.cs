using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// Binds the methods of the service as the generated code would, with one difference: the parts of a message are counted before any
/// is made. An empty part costs two bytes on the wire and hundreds in memory, so four mebibytes of them would cost a gibibyte.
/// </summary>
[BindServiceMethod(typeof(PolicyDecisionBinder), nameof(Bind))]
public abstract class PolicyDecisionBinder
{
    private const string Service = "policyservice.v1.PolicyDecisionService";

    /// <summary>What the reflection service tells; it looks for it here.</summary>
    public static Google.Protobuf.Reflection.ServiceDescriptor Descriptor => PolicyDecisionService.Descriptor;

    /// <summary>Called by the gRPC framework, which finds the handlers by the methods' names.</summary>
    public static void Bind(ServiceBinderBase binder, PolicyDecisionBinder? endpoint)
    {
        binder.AddMethod(GuardedMethod.Of(Service, "Evaluate", MethodType.Unary, WireShape.Evaluate, EvaluateRequest.Parser, EvaluateResponse.Parser), endpoint is null ? null : new UnaryServerMethod<EvaluateRequest, EvaluateResponse>(endpoint.Evaluate));
        binder.AddMethod(GuardedMethod.Of(Service, "EvaluateBatch", MethodType.Unary, WireShape.Batch, EvaluateBatchRequest.Parser, EvaluateBatchResponse.Parser), endpoint is null ? null : new UnaryServerMethod<EvaluateBatchRequest, EvaluateBatchResponse>(endpoint.EvaluateBatch));
        binder.AddMethod(
            GuardedMethod.Of(Service, "EvaluateStream", MethodType.DuplexStreaming, WireShape.Stream, EvaluateStreamRequest.Parser, EvaluateStreamResponse.Parser),
            endpoint is null ? null : new DuplexStreamingServerMethod<EvaluateStreamRequest, EvaluateStreamResponse>(endpoint.EvaluateStream));
    }

    /// <summary>One image.</summary>
    public abstract Task<EvaluateResponse> Evaluate(EvaluateRequest request, ServerCallContext context);

    /// <summary>Several images, one version of the policies.</summary>
    public abstract Task<EvaluateBatchResponse> EvaluateBatch(EvaluateBatchRequest request, ServerCallContext context);

    /// <summary>A stream of images.</summary>
    public abstract Task EvaluateStream(
        IAsyncStreamReader<EvaluateStreamRequest> requestStream, IServerStreamWriter<EvaluateStreamResponse> responseStream, ServerCallContext context);
}
