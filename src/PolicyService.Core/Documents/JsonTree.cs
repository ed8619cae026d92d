using System.Text;
using System.Text.Json;

namespace PolicyService.Core.Documents;

/// <summary>Builds the tree from JSON (RFC 8259): no comments, no trailing commas, no repeated keys.</summary>
internal static class JsonTree
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = Limits.Depth, CommentHandling = JsonCommentHandling.Disallow };

    public static IReadOnlyList<DocumentNode> Read(ReadOnlySpan<byte> content, ProblemList problems)
    {
        if (content.Trim(" \t\r\n"u8).IsEmpty)
        {
            return [];
        }

        var reader = new Utf8JsonReader(content, Options);
        var place = new Place(content);
        try
        {
            reader.Read();
            var node = ReadNode(ref reader, ref place, problems);
            reader.Read(); // throws on anything but white space after the value
            return [node];
        }
        catch (JsonException exception)
        {
            var mark = new Mark((int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1);
            problems.Error(mark, "not JSON (or nested deeper than 64)", "mend the syntax at this place");
        }
        catch (InvalidOperationException)
        {
            // A string with an escaped lone surrogate has no UTF-16 form.
            problems.Error(place.At(reader.TokenStartIndex), "a string holds half a surrogate pair", "write the character whole");
        }

        return [];
    }

    private static DocumentNode ReadNode(ref Utf8JsonReader reader, ref Place place, ProblemList problems)
    {
        var mark = place.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadMapping(ref reader, ref place, mark, problems);
            case JsonTokenType.StartArray:
                var items = new List<DocumentNode>();
                while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
                {
                    items.Add(ReadNode(ref reader, ref place, problems));
                }

                return new SequenceNode(items, mark);
            case JsonTokenType.String:
                return new ScalarNode(reader.GetString()!, true, mark);
            default:
                return new ScalarNode(Encoding.UTF8.GetString(reader.ValueSpan), false, mark);
        }
    }

    private static MappingNode ReadMapping(ref Utf8JsonReader reader, ref Place place, Mark mark, ProblemList problems)
    {
        var entries = new List<MappingEntry>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndObject)
        {
            var keyMark = place.At(reader.TokenStartIndex);
            var key = reader.GetString()!;
            if (!keys.Add(key))
            {
                problems.Error(keyMark, $"the key `{Shown.Value(key)}` stands twice", "keep one of the two");
            }

            reader.Read();
            entries.Add(new MappingEntry(key, keyMark, ReadNode(ref reader, ref place, problems)));
        }

        return new MappingNode(entries, mark);
    }

    /// <summary>Lines and columns of offsets that only grow, so that a whole document costs one pass.</summary>
    private ref struct Place(ReadOnlySpan<byte> content)
    {
        private readonly ReadOnlySpan<byte> _content = content;
        private int _offset;
        private int _line = 1;
        private int _column = 1;

        public Mark At(long offset)
        {
            for (; _offset < offset; _offset++)
            {
                if (_content[_offset] == (byte)'\n')
                {
                    (_line, _column) = (_line + 1, 1);
                }
                else if ((_content[_offset] & 0xC0) != 0x80)
                {
                    _column++; // a continuation byte is no character of its own
                }
            }

            return new Mark(_line, _column);
        }
    }
}
