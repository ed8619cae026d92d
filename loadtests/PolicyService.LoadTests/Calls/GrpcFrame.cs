using System.Buffers.Binary;
using Google.Protobuf;

namespace PolicyService.LoadTests.Calls;

/// <summary>A length-prefixed message of gRPC over HTTP/2: one byte "not compressed", four of length, the message.</summary>
internal static class GrpcFrame
{
    /// <summary>Bytes before the message.</summary>
    public const int HeaderBytes = 5;

    /// <summary>The message as it travels; also what <c>h2load --data</c> wants.</summary>
    public static byte[] Of(IMessage message)
    {
        var frame = new byte[HeaderBytes + message.CalculateSize()];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)(frame.Length - HeaderBytes));
        message.WriteTo(frame.AsSpan(HeaderBytes));
        return frame;
    }

    /// <summary>The message of an answer that holds exactly one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> message)
    {
        var isOne = body.Length >= HeaderBytes && body[0] == 0 && BinaryPrimitives.ReadUInt32BigEndian(body[1..]) == body.Length - HeaderBytes;
        message = isOne ? body[HeaderBytes..] : default;
        return isOne;
    }
}
