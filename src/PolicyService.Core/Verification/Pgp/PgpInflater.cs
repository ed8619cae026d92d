using System.Diagnostics.CodeAnalysis;
using Org.BouncyCastle.Utilities.Zlib;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// Decompresses the content of a compressed packet, to a limit. The base library's streams do not say where the compressed data ends
/// and take it when its end is missing, so that bytes could be hidden there or lost.
/// </summary>
internal static class PgpInflater
{
    // A signature takes less than its limit, and a message of one literal repeats the payload; what is larger is a bomb.
    private const int MaxLength = Limits.PayloadBytes + Limits.SignatureBytes;

    public static bool TryInflate(ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> bytes, [NotNullWhen(false)] out string? problem)
    {
        bytes = default;
        var algorithm = body.IsEmpty ? -1 : body.Span[0];
        if (algorithm is not (1 or 2))
        {
            problem = "the message is compressed in a way that is not read here; use `--compress-algo zip`, `zlib` or `none`";
            return false;
        }

        var output = new byte[MaxLength + 1];

        // Without a header the library looks one byte ahead before it ends, so there must be one more; it must be left over.
        var stream = new ZStream { next_in = [.. body[1..].Span, 0], avail_in = body.Length, next_out = output, avail_out = output.Length };
        var status = Inflate(stream, hasHeader: algorithm == 2);
        problem = stream.avail_out == 0 ? "the message is larger than the limits allow once decompressed"
            : status != JZlib.Z_STREAM_END || stream.avail_in == 0 ? "the compressed part of the message is malformed or cut off"
            : stream.avail_in > 1 ? "bytes follow the compressed part of the message"
            : null;
        bytes = output.AsMemory(0, output.Length - stream.avail_out);
        return problem is null;
    }

    private static int Inflate(ZStream stream, bool hasHeader)
    {
        try
        {
            stream.inflateInit(!hasHeader);
            return stream.inflate(JZlib.Z_NO_FLUSH);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return JZlib.Z_DATA_ERROR; // a refusal; the library does not say which exceptions hostile bytes may cause
        }
        finally
        {
            stream.inflateEnd();
        }
    }
}
