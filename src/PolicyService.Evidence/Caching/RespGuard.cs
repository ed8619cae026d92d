using System.Globalization;

namespace PolicyService.Evidence.Caching;

/// <summary>
/// Reads along with what a Redis server sends (RESP2) and ends the connection before a reply grows beyond a limit: the client library
/// takes a reply as long as the server cares to make it. Stricter than the library, so that the two never disagree about where a
/// reply ends: only the types of RESP2, only canonical numbers, only CRLF.
/// </summary>
internal sealed class RespGuard(int maxReplyBytes)
{
    private const int MaxDepth = 8;
    private const int MaxElements = 65_536;
    private const int MaxHeaderLength = 20;

    /// <summary>Elements that are still to come, for each array the scan is in.</summary>
    private readonly Stack<int> _open = new();
    private readonly byte[] _header = new byte[MaxHeaderLength];
    private int _replyBytes;
    private Part _part;
    private byte _type;
    private int _headerLength;
    private int _bulk;

    private enum Part
    {
        Type,
        Line,
        LineEnd,
        Bulk,
        BulkReturn,
        BulkEnd,
    }

    /// <summary>Judges the bytes that come next.</summary>
    /// <returns>What is wrong with them; null: nothing.</returns>
    public string? Judge(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var taken = _part is Part.Bulk ? Math.Min(_bulk, bytes.Length) : 1;
            _replyBytes += taken;
            if (_replyBytes > maxReplyBytes)
            {
                return "a reply is longer than any that was asked for";
            }

            var problem = _part is Part.Bulk ? Skip(taken) : Step(bytes[0]);
            if (problem is not null)
            {
                return problem;
            }

            bytes = bytes[taken..];
        }

        return null;
    }

    private string? Skip(int taken)
    {
        _bulk -= taken;
        _part = _bulk == 0 ? Part.BulkReturn : Part.Bulk;
        return null;
    }

    private string? Step(byte next)
    {
        switch (_part)
        {
            case Part.Type when next is (byte)'+' or (byte)'-' or (byte)':' or (byte)'$' or (byte)'*':
                (_type, _headerLength, _part) = (next, 0, Part.Line);
                return null;
            case Part.Line when next == '\r':
                _part = Part.LineEnd;
                return null;
            case Part.Line when next != '\n':
                return Keep(next);
            case Part.LineEnd when next == '\n':
                return EndLine();
            case Part.BulkReturn when next == '\r':
                _part = Part.BulkEnd;
                return null;
            case Part.BulkEnd when next == '\n':
                EndElement();
                return null;
            default:
                return "a reply is not RESP2";
        }
    }

    private string? Keep(byte next)
    {
        if (_type is (byte)'+' or (byte)'-')
        {
            return null;
        }

        if (_headerLength == MaxHeaderLength)
        {
            return "a number has too many digits";
        }

        _header[_headerLength++] = next;
        return null;
    }

    private string? EndLine()
    {
        if (_type is not ((byte)'$' or (byte)'*'))
        {
            EndElement();
            return null;
        }

        var header = _header.AsSpan(0, _headerLength);
        if (header.SequenceEqual("-1"u8))
        {
            EndElement();
            return null;
        }

        var isCanonical = !header.IsEmpty && !header.ContainsAnyExceptInRange((byte)'0', (byte)'9') && (header.Length == 1 || header[0] != '0');
        if (!isCanonical || !int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            return "a length is no number";
        }

        return _type == '$' ? BeginBulk(length) : BeginArray(length);
    }

    private string? BeginBulk(int length)
    {
        if (length > maxReplyBytes)
        {
            return "a value is longer than any that was asked for";
        }

        (_bulk, _part) = (length, length == 0 ? Part.BulkReturn : Part.Bulk);
        return null;
    }

    private string? BeginArray(int length)
    {
        if (length > MaxElements || _open.Count == MaxDepth)
        {
            return "a reply has too many elements";
        }

        if (length == 0)
        {
            EndElement();
            return null;
        }

        _open.Push(length);
        _part = Part.Type;
        return null;
    }

    private void EndElement()
    {
        _part = Part.Type;
        while (_open.TryPop(out var left))
        {
            if (left > 1)
            {
                _open.Push(left - 1);
                return;
            }
        }

        _replyBytes = 0;
    }
}
