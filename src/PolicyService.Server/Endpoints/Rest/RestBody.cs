using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PolicyService.Core;
using PolicyService.Core.Documents;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// A JSON object that a caller sent: read once, strictly, with the reader of documents, so that a body is refused for what a file would be
/// refused for, and every problem names its field.
/// </summary>
internal sealed class RestBody
{
    private static readonly JsonNodeOptions Nodes = new() { PropertyNameCaseInsensitive = false };
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Limits.Depth };

    private readonly ReadOnlyMemory<byte> _utf8;

    private RestBody(ReadOnlyMemory<byte> utf8, MappingNode root, ProblemList problems) => (_utf8, Root, Problems) = (utf8, root, problems);

    public MappingNode Root { get; }

    /// <summary>Receives what a reader finds wrong.</summary>
    public ProblemList Problems { get; }

    public string Text => Encoding.UTF8.GetString(_utf8.Span);

    /// <summary>Reads the body of a request.</summary>
    /// <returns>The body; or the answer that says why there is none.</returns>
    /// <exception cref="BadHttpRequestException">It is larger than the server takes, or broken off.</exception>
    public static async Task<(RestBody? Body, IResult? Refusal)> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
        {
            // A browser may send other types across sites without asking first.
            return (null, RestError.Of(StatusCodes.Status415UnsupportedMediaType, "INVALID_ARGUMENT", "send content-type: application/json", []));
        }

        if (context.Request.Headers.ContentEncoding.Count > 0)
        {
            return (null, RestError.Of(StatusCodes.Status415UnsupportedMediaType, "INVALID_ARGUMENT", "send the body without content-encoding", []));
        }

        // The gate has read it.
        var buffer = context.Request.Body as MemoryStream ?? new MemoryStream();
        if (!ReferenceEquals(buffer, context.Request.Body))
        {
            await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        }

        var utf8 = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        // A mark at the start says how the text is encoded, and is no part of it.
        return Parse(utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8);
    }

    private static (RestBody?, IResult?) Parse(ReadOnlyMemory<byte> utf8)
    {
        if (HasTooManyValues(utf8.Span))
        {
            return (null, RestError.Invalid("", $"the body has more than {Limits.MessageParts} values: send less at once"));
        }

        var problems = new ProblemList("body.json") { IsStrict = true };
        var nodes = DocumentText.Read(utf8, problems);
        if (problems.HasErrors)
        {
            // Without a tree there are no fields, only places.
            return (null, RestError.Invalid([.. problems.Problems.Select(problem =>
                new FieldViolation("", $"Invalid JSON payload received. Line {problem.Mark.Line}, column {problem.Mark.Column}: {problem.Message}; {problem.Remedy}"))]));
        }

        return nodes is [MappingNode root]
            ? (new RestBody(utf8, root, problems), null)
            : (null, RestError.Invalid("", "Invalid JSON payload received. The body is no JSON object: send one"));
    }

    /// <summary>Two bytes on the wire become a hundred in memory, so they are counted before any is made. Broken JSON is told by its reader.</summary>
    private static bool HasTooManyValues(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = Limits.Depth });
        var values = 0;
        try
        {
            while (values <= Limits.MessageParts && reader.Read())
            {
                values += reader.TokenType is JsonTokenType.EndArray or JsonTokenType.EndObject or JsonTokenType.PropertyName ? 0 : 1;
            }
        }
        catch (JsonException)
        {
            return false;
        }

        return values > Limits.MessageParts;
    }

    /// <summary>A string of the body; empty if it is absent or something else, which the reader of the whole reports.</summary>
    public string StringOf(string field) => Find(field) is ScalarNode { Quoted: true } scalar ? scalar.Text : "";

    public DocumentNode? Find(string field) => Root.Entries.FirstOrDefault(entry => entry.Key == field && !entry.Value.IsNull)?.Value;

    /// <summary>The tree with the name the path gives the document, whatever name the body gives it.</summary>
    public MappingNode Named(string name) => Root with
    {
        Entries =
        [
            new MappingEntry("name", Root.Mark, new ScalarNode(name, Quoted: true, Root.Mark)),
            .. Root.Entries.Where(entry => entry.Key != "name"),
        ],
    };

    /// <summary>A copy to change; numbers keep their spelling.</summary>
    public JsonObject ToObject() => JsonNode.Parse(_utf8.Span, Nodes, Strict)!.AsObject();

    /// <summary>The answer that names every problem found so far; null if there is none.</summary>
    public IResult? Refusal() => Problems.HasErrors
        ? RestError.Invalid([.. Problems.Problems.Where(problem => problem.Severity is ProblemSeverity.Error)
            .Select(problem => new FieldViolation(FieldPath.Of(Root, problem), $"{problem.Message}; {problem.Remedy}"))])
        : null;
}
