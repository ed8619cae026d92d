using PolicyService.Api.V1;
using PolicyService.Core;

namespace PolicyService.Server.Endpoints;

/// <summary>Which fields of a message hold further messages, for counting them.</summary>
internal sealed class WireShape
{
    public static readonly WireShape Leaf = new(Limits.MessageParts);

    public static readonly WireShape Evaluate = new(
        Limits.MessageParts, (EvaluateRequest.LabelsFieldNumber, Leaf), (EvaluateRequest.AnnotationsFieldNumber, Leaf), (EvaluateRequest.AttestationsFieldNumber, Leaf));

    public static readonly WireShape Batch = new(Limits.MessageParts, (EvaluateBatchRequest.RequestsFieldNumber, Evaluate));

    public static readonly WireShape Stream = new(Limits.MessageParts, (EvaluateStreamRequest.RequestFieldNumber, Evaluate));

    /// <summary>A finding holds its time beside its texts.</summary>
    public static readonly WireShape Findings = new(
        2 * Limits.Findings, (ReportFindingsRequest.FindingsFieldNumber, new WireShape(Limits.MessageParts, (Finding.TimeFieldNumber, Leaf))));

    /// <summary>By the field's number: the shape of the message it holds; null: it holds none.</summary>
    private readonly WireShape?[] _parts;

    /// <summary>How many of them one message may hold, in all.</summary>
    private readonly int _mostParts;

    private WireShape(int mostParts, params (int Field, WireShape Shape)[] parts)
    {
        _mostParts = mostParts;
        _parts = parts.Length == 0 ? [] : new WireShape?[parts.Max(part => part.Field) + 1];
        foreach (var (field, shape) in parts)
        {
            _parts[field] = shape;
        }
    }

    /// <summary>Counts without making anything. Malformed bytes pass: the parser says better what is wrong with them.</summary>
    public static bool IsWithin(ReadOnlySpan<byte> message, WireShape shape, out string problem)
    {
        var (parts, images) = (0, 0);
        Count(message, shape, ReferenceEquals(shape, Batch), ref parts, ref images);
        problem = images > Limits.BatchImages ? $"requests: more than {Limits.BatchImages} images: send several batches"
            : parts > shape._mostParts && ReferenceEquals(shape, Findings) ? $"findings: more than {Limits.Findings}: report them in several messages"
            : parts > shape._mostParts ? $"the message has more than {Limits.MessageParts} parts: send fewer labels, annotations and attestations"
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

            if ((tag & 7) == 2 && shape.PartOf((uint)(tag >> 3)) is { } inner)
            {
                parts++;
                images += isBatch ? 1 : 0;
                if (inner._parts.Length > 0)
                {
                    Count(content, inner, isBatch: false, ref parts, ref images);
                }
            }
        }
    }

    private WireShape? PartOf(uint field) => field < (uint)_parts.Length ? _parts[field] : null;

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
