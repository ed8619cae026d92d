using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core;

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

/// <summary>Which fields of a message hold further messages, for counting them.</summary>
/// <param name="Parts">Fields that hold a message, and the shape of it.</param>
/// <param name="MostParts">How many of them one message may hold, in all.</param>
internal sealed record WireShape(IReadOnlyDictionary<uint, WireShape> Parts, int MostParts = Limits.MessageParts)
{
    public static readonly WireShape Leaf = new(new Dictionary<uint, WireShape>());

    public static readonly WireShape Evaluate = new(new Dictionary<uint, WireShape>
    {
        [EvaluateRequest.LabelsFieldNumber] = Leaf,
        [EvaluateRequest.AnnotationsFieldNumber] = Leaf,
        [EvaluateRequest.AttestationsFieldNumber] = Leaf,
    });

    public static readonly WireShape Batch = new(new Dictionary<uint, WireShape> { [EvaluateBatchRequest.RequestsFieldNumber] = Evaluate });

    public static readonly WireShape Stream = new(new Dictionary<uint, WireShape> { [EvaluateStreamRequest.RequestFieldNumber] = Evaluate });

    /// <summary>A finding holds its time beside its texts.</summary>
    public static readonly WireShape Findings = new(
        new Dictionary<uint, WireShape>
        {
            [ReportFindingsRequest.FindingsFieldNumber] = new(new Dictionary<uint, WireShape> { [Finding.TimeFieldNumber] = Leaf }),
        },
        2 * Limits.Findings);

    /// <summary>Counts without making anything. Malformed bytes pass: the parser says better what is wrong with them.</summary>
    public static bool IsWithin(ReadOnlySpan<byte> message, WireShape shape, out string problem)
    {
        var (parts, images) = (0, 0);
        Count(message, shape, ReferenceEquals(shape, Batch), ref parts, ref images);
        problem = images > Limits.BatchImages ? $"requests: more than {Limits.BatchImages} images: send several batches"
            : parts > shape.MostParts && ReferenceEquals(shape, Findings) ? $"findings: more than {Limits.Findings}: report them in several messages"
            : parts > shape.MostParts ? $"the message has more than {Limits.MessageParts} parts: send fewer labels, annotations and attestations"
            : "";
        return problem.Length == 0;
    }

    private static void Count(ReadOnlySpan<byte> bytes, WireShape shape, bool isBatch, ref int parts, ref int images)
    {
        while (!bytes.IsEmpty && parts <= Limits.MessageParts && images <= Limits.BatchImages)
        {
            if (!TryReadNumber(ref bytes, out var tag) || !TrySkip(ref bytes, tag & 7, out var content))
            {
                return;
            }

            if ((tag & 7) == 2 && shape.Parts.TryGetValue((uint)(tag >> 3), out var inner))
            {
                parts++;
                images += isBatch ? 1 : 0;
                Count(content, inner, isBatch: false, ref parts, ref images);
            }
        }
    }

    private static bool TrySkip(ref ReadOnlySpan<byte> bytes, ulong wireType, out ReadOnlySpan<byte> content)
    {
        content = default;
        ulong length;
        switch (wireType)
        {
            case 0:
                return TryReadNumber(ref bytes, out _);
            case 1:
                length = 8;
                break;
            case 2:
                if (!TryReadNumber(ref bytes, out length))
                {
                    return false;
                }

                break;
            case 5:
                length = 4;
                break;
            default:
                return false;
        }

        if (length > (ulong)bytes.Length)
        {
            return false;
        }

        content = bytes[..(int)length];
        bytes = bytes[(int)length..];
        return true;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> bytes, out ulong number)
    {
        number = 0;
        for (var shift = 0; shift < 64 && !bytes.IsEmpty; shift += 7)
        {
            var part = bytes[0];
            bytes = bytes[1..];
            number |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
