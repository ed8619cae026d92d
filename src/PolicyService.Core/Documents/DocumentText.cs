using System.Text;

namespace PolicyService.Core.Documents;

/// <summary>Turns the bytes of a file into document trees.</summary>
public static class DocumentText
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Reads every document of a file: one for JSON, any number for YAML. Never throws on content; what is wrong
    /// stands in <paramref name="problems"/>, and then nothing is returned.
    /// </summary>
    public static IReadOnlyList<DocumentNode> Read(ReadOnlyMemory<byte> content, ProblemList problems)
    {
        var start = new Mark(1, 1);
        if (content.Length > Limits.MessageBytes)
        {
            problems.Error(start, $"the document has {content.Length} bytes, more than {Limits.MessageBytes}", "split it into several files");
            return [];
        }

        var bytes = content.Span.StartsWith("\uFEFF"u8) ? content[3..] : content;
        string text;
        try
        {
            text = StrictUtf8.GetString(bytes.Span);
        }
        catch (DecoderFallbackException)
        {
            problems.Error(start, "the document is not UTF-8", "save it as UTF-8");
            return [];
        }

        var nodes = IsJson(problems.File, text) ? JsonTree.Read(bytes.Span, problems) : YamlTree.Read(text, problems);
        return problems.HasErrors ? [] : nodes;
    }

    /// <summary>Reads a file that must hold exactly one document.</summary>
    public static DocumentNode? ReadOne(ReadOnlyMemory<byte> content, ProblemList problems)
    {
        var nodes = Read(content, problems);
        if (nodes.Count > 1)
        {
            problems.Error(nodes[1].Mark, "a second document begins here", "keep one document per file");
        }
        else if (nodes.Count == 0 && !problems.HasErrors)
        {
            problems.Error(new Mark(1, 1), "the document is empty", "write the document, or delete the file");
        }

        return problems.HasErrors ? null : nodes[0];
    }

    private static bool IsJson(string file, string text) =>
        file.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
        || (!file.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase)
            && !file.EndsWith(".yml", StringComparison.OrdinalIgnoreCase)
            && text.AsSpan().TrimStart() is ['{' or '[', ..]);
}
