using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using PolicyService.Core.Images;

namespace PolicyService.Server.Audits;

/// <summary>
/// Lines of records. The frequent record writes its JSON here itself, which costs half of what
/// <see cref="System.Text.Json.Utf8JsonWriter"/> does and gives the same bytes; the rare ones put that writer on top.
/// </summary>
/// <param name="kept">Bytes beyond which a buffer that grew is not kept when it is cleared.</param>
public sealed class RecordBuffer(int kept) : IBufferWriter<byte>
{
    private const int InitialBytes = 4 * 1024;

    /// <summary>Characters escaped at once; one input character gives six at most, a pair of surrogates twelve.</summary>
    private const int EscapedAtOnce = 256;

    /// <summary>What the encoder of the JSON writer leaves as it is, by its own word.</summary>
    private static readonly SearchValues<char> Plain =
        SearchValues.Create([.. Enumerable.Range(0, 128).Where(value => !JavaScriptEncoder.Default.WillEncode(value)).Select(value => (char)value)]);

    private byte[] _bytes = new byte[InitialBytes];
    private int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear()
    {
        _length = 0;
        _bytes = _bytes.Length > kept ? new byte[InitialBytes] : _bytes;
    }

    /// <summary>Forgets what was written behind the first so many bytes.</summary>
    public void Cut(int length) => _length = Math.Min(_length, length);

    /// <summary>Writes what is JSON already.</summary>
    public void Raw(ReadOnlySpan<byte> json)
    {
        json.CopyTo(GetSpan(json.Length));
        _length += json.Length;
    }

    /// <summary>Writes a string after what is JSON already, mostly its name.</summary>
    public void Text(ReadOnlySpan<byte> before, string text)
    {
        Raw(before);
        Text(text);
    }

    /// <summary>Writes a string, escaped to ASCII.</summary>
    public void Text(string text)
    {
        var odd = text.AsSpan().IndexOfAnyExcept(Plain);
        var plain = odd < 0 ? text.Length : odd;
        var free = GetSpan(plain + 2);
        free[0] = (byte)'"';
        // The characters are ASCII: each gives one byte.
        _length += 1 + Encoding.ASCII.GetBytes(text.AsSpan(0, plain), free[1..]);
        Escape(text.AsSpan(plain));
        Raw("\""u8);
    }

    public void Digest(Digest digest)
    {
        Raw("\"sha256:"u8);
        _length += Encoding.ASCII.GetBytes(digest.Hex, GetSpan(digest.Hex.Length));
        Raw("\""u8);
    }

    public void Number(long number)
    {
        number.TryFormat(GetSpan(20), out var bytes, default, CultureInfo.InvariantCulture);
        _length += bytes;
    }

    /// <summary>Writes a time in UTC without the zeros at the end of its fraction.</summary>
    public void Time(DateTimeOffset time)
    {
        var free = GetSpan(40);
        free[0] = (byte)'"';
        time.UtcDateTime.TryFormat(free[1..], out var bytes, "O", CultureInfo.InvariantCulture);
        // 2026-03-04T05:06:07.1200000Z
        var trimmed = free[1..bytes].TrimEnd((byte)'0').TrimEnd((byte)'.');
        _length += 1 + trimmed.Length;
        Raw("Z\""u8);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        if (_bytes.Length - _length < Math.Max(1, sizeHint))
        {
            Array.Resize(ref _bytes, checked(_length + Math.Max(_length, sizeHint + InitialBytes)));
        }

        return _bytes.AsSpan(_length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public void Advance(int count) => _length += count;

    private void Escape(ReadOnlySpan<char> text)
    {
        Span<char> escaped = stackalloc char[EscapedAtOnce];
        while (!text.IsEmpty)
        {
            JavaScriptEncoder.Default.Encode(text, escaped, out var consumed, out var written);
            _length += Encoding.ASCII.GetBytes(escaped[..written], GetSpan(written));
            text = text[consumed..];
        }
    }
}
