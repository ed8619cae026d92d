using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using PolicyService.Core.Images;
using PolicyService.Server.Audits;

namespace PolicyService.Server.Tests.Audits;

/// <summary>The bytes are those of the JSON writer of the base library, whatever a caller sends.</summary>
public sealed class RecordBufferTests
{
    /// <summary>Any characters, among them halves of surrogate pairs, with those that break lines and terminals more often than chance has them.</summary>
    private static readonly Gen<string> Hostile = Gen.OneOf(
        Gen.Char,
        Gen.Char[' ', '~'],
        Gen.Char['\0', '\u001f'],
        Gen.Char['\ud800', '\udfff'],
        Gen.Char["\"\\/<>&'`+\u007f\u0085\u2028\u2029\u202e\ufeff\uffff"]).Array[0, 700].Select(text => new string(text));

    [Fact]
    public void Text_is_escaped_as_the_json_writer_escapes_it() =>
        Hostile.Sample(text => Assert.Equal(Written(json => json.WriteStringValue(text)), Buffered(buffer => buffer.Text(text))));

    /// <summary>One odd character at every place around the ends of vectors and of the pieces in which is escaped.</summary>
    [Theory]
    [InlineData("\"")]
    [InlineData("é")]
    [InlineData("\ud83d")]
    [InlineData("\ude00")]
    [InlineData("😀")]
    [InlineData("\u2028")]
    public void Text_is_escaped_at_every_place(string odd)
    {
        for (var length = 0; length < 600; length++)
        {
            foreach (var text in new[] { new string('a', length) + odd, odd + new string('a', length) + odd, odd + new string('"', length) + odd })
            {
                Assert.Equal(Written(json => json.WriteStringValue(text)), Buffered(buffer => buffer.Text(text)));
            }
        }
    }

    [Fact]
    public void Time_is_written_as_the_json_writer_writes_it() =>
        Gen.Select(Gen.Long[0, DateTime.MaxValue.Ticks], Gen.Int[0, 9]).Sample((ticks, zeros) =>
        {
            var unit = (long)Math.Pow(10, zeros);
            var time = new DateTimeOffset(ticks / unit * unit, TimeSpan.Zero);
            Assert.Equal(Written(json => json.WriteStringValue(time.UtcDateTime)), Buffered(buffer => buffer.Time(time)));
        });

    [Fact]
    public void Numbers_and_digests_are_written_as_the_json_writer_writes_them() =>
        Gen.Select(Gen.Long, Gen.Byte.Array).Sample((number, content) =>
        {
            var digest = Digest.Of(content);
            Assert.Equal(Written(json => json.WriteNumberValue(number)), Buffered(buffer => buffer.Number(number)));
            Assert.Equal(Written(json => json.WriteStringValue(digest.ToString())), Buffered(buffer => buffer.Digest(digest)));
        });

    [Fact]
    public void Buffer_grows_and_is_a_target_of_the_json_writer()
    {
        var text = new string('x', 3_000_000);

        var written = Buffered(buffer =>
        {
            buffer.Text("[\"before\","u8, text);
            buffer.Raw(","u8);
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStringValue(text);
            }

            buffer.Raw("]"u8);
        });

        Assert.Equal($"[\"before\",\"{text}\",\"{text}\"]", written);
    }

    [Fact]
    public void Cleared_buffer_begins_anew()
    {
        var buffer = new RecordBuffer(64 * 1024);
        buffer.Text(new string('x', 5_000_000));

        buffer.Clear();
        buffer.Text("a");

        Assert.Equal("\"a\"", Encoding.UTF8.GetString(buffer.Written));
    }

    private static string Buffered(Action<RecordBuffer> write)
    {
        var buffer = new RecordBuffer(64 * 1024);
        write(buffer);
        return Encoding.UTF8.GetString(buffer.Written);
    }

    private static string Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        write(json);
        json.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
