using System.Text;
using NJsonSchema;
using NJsonSchema.Validation;
using PolicyService.Core.Documents.Schemas;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Schemas;

public sealed class SchemaValidationTests(ITestOutputHelper output)
{
    private static readonly Dictionary<DocumentSchema, JsonSchema> Schemas =
        DocumentSchemas.All.ToDictionary(schema => schema, schema => JsonSchema.FromJsonAsync(SchemaWriter.Write(schema)).GetAwaiter().GetResult());

    [Fact]
    public void Document_the_parser_takes_fits_its_schema()
    {
        var accepted = TestDocuments.All.Where(document => document.Accepted).ToList();
        var refused = accepted.Where(document => Errors(document).Count > 0)
            .Select(document => $"{document.Name}: {string.Join("; ", Errors(document))}");

        Assert.Empty(refused);
        output.WriteLine($"{accepted.Count} documents accepted by parser and schema");
        Assert.True(accepted.Count > 1200, $"{accepted.Count} documents");
    }

    [Fact]
    public void Examples_and_full_documents_are_taken_by_their_parsers()
    {
        var names = FullDocuments.All.Select(document => document.Name).ToHashSet(StringComparer.Ordinal);
        var written = TestDocuments.All.Where(document => names.Contains(document.Name) || document.Name.StartsWith("example ", StringComparison.Ordinal)).ToList();

        Assert.True(written.Count > names.Count, $"{written.Count} documents");
        Assert.Empty(written.Where(document => !document.Accepted).SelectMany(document => document.Problems));
    }

    [Fact]
    public void Most_documents_the_parser_refuses_are_refused_by_the_schema()
    {
        var refused = TestDocuments.All.Where(document => !document.Accepted && document.Nodes.Count > 0).ToList();
        var caught = refused.Where(document => Errors(document).Count > 0).ToList();
        foreach (var document in refused)
        {
            output.WriteLine($"{(caught.Contains(document) ? "refused" : "not refused")} by the schema: {document.Name}");
        }

        output.WriteLine($"{caught.Count} of {refused.Count}");
        Assert.True(caught.Count >= 13, $"{caught.Count} of {refused.Count}");
    }

    [Theory, MemberData(nameof(SchemaMutations.All), MemberType = typeof(SchemaMutations))]
    public void Broken_field_is_refused_by_parser_and_schema(string what)
    {
        var document = SchemaMutations.Of(what);

        Assert.False(document.Accepted, "the parser takes it");
        Assert.NotEmpty(document.Nodes);
        Assert.NotEmpty(Errors(document));
    }

    [Theory, MemberData(nameof(FieldRuleCases.Refused), MemberType = typeof(FieldRuleCases))]
    public void Fields_that_do_not_go_together_are_refused_by_parser_and_schema(string why, string kind, string json)
    {
        var document = TestDocuments.Parse(why, Enum.Parse<DocumentKind>(kind), Encoding.UTF8.GetBytes(json));

        Assert.False(document.Accepted, "the parser takes it");
        Assert.NotEmpty(Errors(document));
    }

    [Theory, MemberData(nameof(FieldRuleCases.Taken), MemberType = typeof(FieldRuleCases))]
    public void Fields_that_go_together_are_taken_by_parser_and_schema(string why, string kind, string json)
    {
        var document = TestDocuments.Parse(why, Enum.Parse<DocumentKind>(kind), Encoding.UTF8.GetBytes(json));

        Assert.True(document.Accepted, string.Join("; ", document.Problems));
        Assert.Empty(Errors(document));
    }

    [Theory, MemberData(nameof(SchemaMutations.AllWords), MemberType = typeof(SchemaMutations))]
    public void Word_of_the_schema_is_known_to_the_parser(string what) =>
        Assert.DoesNotContain(SchemaMutations.OfWord(what).Problems, problem => problem.Message.Contains("is not usable", StringComparison.Ordinal));

    private static List<string> Errors(TestDocument document) =>
        [.. document.Nodes.SelectMany(node => Schemas[document.Schema].Validate(TestDocuments.Json(node)?.ToJsonString() ?? "null")).Select(Text)];

    private static string Text(ValidationError error) => $"{error.Kind} at {error.Path}";
}
