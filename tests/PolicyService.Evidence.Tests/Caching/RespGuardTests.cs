using System.Text;
using CsCheck;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

/// <summary>What of a lying server reaches the client library at all.</summary>
public sealed class RespGuardTests
{
    private const int Limit = 1000;

    /// <summary>What random replies are made of.</summary>
    private static readonly string[] Pieces = ["+", "-", ":", "$", "*", "\r\n", "\r\n", "1", "9", "0", "-1", "abc", "\n", "$3\r\nabc\r\n", "*2\r\n", "*9\r\n", "+abcdefghij\r\n"];

    public static TheoryData<string> Honest => new()
    {
        "+OK\r\n", "+\r\n", "-ERR no\r\n", ":12\r\n", ":-1\r\n", "$-1\r\n", "$0\r\n\r\n", "$3\r\nabc\r\n", "$2\r\n\r\n\r\n", "*-1\r\n", "*0\r\n",
        "*2\r\n$1\r\na\r\n:1\r\n", "*2\r\n*1\r\n+a\r\n*0\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", "$968\r\n{968}\r\n",
    };

    public static TheoryData<string, string> Dishonest => new()
    {
        { "a type of RESP3", "%1\r\n+a\r\n+b\r\n" },
        { "a push", ">2\r\n+a\r\n+b\r\n" },
        { "an attribute", "|1\r\n+a\r\n+b\r\n" },
        { "a streamed string", "$?\r\n" },
        { "a streamed array", "*?\r\n" },
        { "no protocol", "HTTP/1.1 400 Bad Request\r\n" },
        { "an empty line", "\r\n" },
        { "a NUL", "\0" },
        { "half a line end", "+OK\n" },
        { "a return without its feed", "+OK\rX" },
        { "a feed in an error", "-ERR\nX\r\n" },
        { "a length with a sign", "$+3\r\nabc\r\n" },
        { "a negative length", "$-2\r\n" },
        { "a length with a zero before it", "$03\r\nabc\r\n" },
        { "a length with a space", "$ 3\r\nabc\r\n" },
        { "no length", "$\r\n" },
        { "a length that is no number", "$3x\r\nabc\r\n" },
        { "a length beyond the limit", "$1001\r\n" },
        { "half a gigabyte", "$536870912\r\n" },
        { "a length beyond int", "$4294967299\r\n" },
        { "a length without end", "$111111111111111111111\r\n" },
        { "a number without end", ":111111111111111111111\r\n" },
        { "a value longer than it says", "$3\r\nabcd\r\n" },
        { "a value without its end", "$3\r\nabc\rX" },
        { "elements beyond the limit", "*65537\r\n" },
        { "arrays in arrays", string.Concat(Enumerable.Repeat("*1\r\n", 9)) },
        { "a line beyond the limit", "+{1001}" },
        { "an error beyond the limit", "-{1001}" },
        { "a reply beyond the limit", "*2\r\n$500\r\n{500}\r\n$500\r\n{500}\r\n" },
        { "many small elements", "*400\r\n{nils}" },
    };

    [Theory, MemberData(nameof(Honest))]
    public void Reply_passes_whole_and_in_pieces_and_again(string reply)
    {
        var bytes = Bytes(reply);
        var (whole, pieces) = (new RespGuard(Limit), new RespGuard(Limit));
        for (var time = 0; time < 3; time++)
        {
            Assert.Null(whole.Judge(bytes));
            Assert.All(bytes, next => Assert.Null(pieces.Judge([next])));
        }

        // The guard stands where a reply begins.
        Assert.Null(whole.Judge("+OK\r\n"u8));
    }

    [Theory, MemberData(nameof(Dishonest))]
    public void Anything_else_is_refused(string why, string reply)
    {
        var bytes = Bytes(reply);
        Assert.True(new RespGuard(Limit).Judge(bytes) is not null, why);
        var guard = new RespGuard(Limit);
        Assert.True(bytes.Any(next => guard.Judge([next]) is not null), why);
    }

    [Fact]
    public void Limit_is_of_one_reply_and_to_the_byte()
    {
        // $991 with its header and line end is 999 bytes; with one more it is 1000.
        Assert.Null(new RespGuard(Limit).Judge(Bytes("$992\r\n{992}\r\n")));
        Assert.NotNull(new RespGuard(Limit).Judge(Bytes("$993\r\n{993}\r\n")));
        var guard = new RespGuard(Limit);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Null(guard.Judge(Bytes("$900\r\n{900}\r\n"))));
    }

    [Fact]
    public void Random_bytes_never_pass_more_than_the_limit_without_an_end_of_a_reply() =>
        Gen.Select(Gen.Int[0, Pieces.Length - 1].Select(index => Pieces[index]).Array[1, 80], Gen.Int[1, 7]).Sample((parts, size) =>
        {
            var bytes = Encoding.Latin1.GetBytes(string.Concat(parts));
            var guard = new RespGuard(64);
            foreach (var piece in bytes.Chunk(size))
            {
                if (guard.Judge(piece) is not null)
                {
                    return;
                }
            }

            // What passed is replies of at most 64 bytes, and the beginning of one.
            Assert.True(LongestReply(bytes) <= 64);
        });

    /// <summary>A plain reading of RESP2: the longest reply, or beginning of one, in bytes.</summary>
    private static int LongestReply(byte[] bytes)
    {
        var (at, longest) = (0, 0);
        while (at < bytes.Length)
        {
            var end = End(bytes, at);
            longest = Math.Max(longest, end - at);
            at = end;
        }

        return longest;
    }

    private static int End(byte[] bytes, int start)
    {
        var feed = Array.IndexOf(bytes, (byte)'\n', start);
        if (feed < 0)
        {
            return bytes.Length;
        }

        var header = Encoding.Latin1.GetString(bytes, start + 1, feed - start - 2);
        var (type, at) = (bytes[start], feed + 1);
        if (type == '$' && header != "-1")
        {
            return Math.Min(bytes.Length, at + int.Parse(header, System.Globalization.CultureInfo.InvariantCulture) + 2);
        }

        for (var left = type == '*' && header != "-1" ? int.Parse(header, System.Globalization.CultureInfo.InvariantCulture) : 0; left > 0 && at < bytes.Length; left--)
        {
            at = End(bytes, at);
        }

        return at;
    }

    /// <summary><c>{n}</c> stands for n letters.</summary>
    private static byte[] Bytes(string text)
    {
        var nils = string.Concat(Enumerable.Repeat("$-1\r\n", 400));
        var filled = System.Text.RegularExpressions.Regex.Replace(
            text.Replace("{nils}", nils, StringComparison.Ordinal), @"\{(\d+)\}", match => new string('x', int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)));
        return Encoding.Latin1.GetBytes(filled);
    }
}
