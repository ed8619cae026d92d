using System.Buffers;
using Google.Protobuf;
using Grpc.Core;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// Methods of gRPC as the generated code would make them, with two differences: the parts of a message are counted before any is made, and a
/// message that is none is the caller's fault, without a line in the log.
/// </summary>
internal static class GuardedMethod
{
    public static Method<TRequest, TResponse> Of<TRequest, TResponse>(
        string service, string name, MethodType type, WireShape shape, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(type, service, name, Marshaller(requests, shape), Marshaller(responses, WireShape.Leaf));

    private static Marshaller<T> Marshaller<T>(MessageParser<T> parser, WireShape shape) where T : class, IMessage<T> =>
        Marshallers.Create<T>(Serialize, context => Deserialize(context, parser, shape));

    private static void Serialize<T>(T message, SerializationContext context) where T : IMessage<T>
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }

    private static T Deserialize<T>(DeserializationContext context, MessageParser<T> parser, WireShape shape) where T : IMessage<T> =>
        Parse(context.PayloadAsReadOnlySequence(), parser, shape);

    /// <summary>Makes the message of its bytes.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is none, or has too many parts.</exception>
    public static T Parse<T>(ReadOnlySequence<byte> payload, MessageParser<T> parser, WireShape shape) where T : IMessage<T>
    {
        var bytes = payload.IsSingleSegment ? payload.First : payload.ToArray();
        if (!WireShape.IsWithin(bytes.Span, shape, out var problem))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, problem));
        }

        try
        {
            return parser.ParseFrom(bytes.Span);
        }
        catch (InvalidProtocolBufferException)
        {
            // Else the framework would call it a failure of ours, with a line in the log for each.
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"the message is no {typeof(T).Name}: its bytes are malformed"));
        }
    }
}
