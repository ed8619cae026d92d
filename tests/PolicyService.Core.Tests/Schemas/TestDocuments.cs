using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Documents.Schemas;
using PolicyService.Core.Policies;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Schemas;

/// <summary>One file of the test data: its schema, its trees as our own readers read them, and whether its parser takes it.</summary>
internal sealed record TestDocument(string Name, DocumentSchema Schema, IReadOnlyList<DocumentNode> Nodes, bool Accepted)
{
    /// <summary>What a parser asked for, by mapping.</summary>
    public required IReadOnlyList<(MappingNode Node, string Field)> Asked { get; init; }

    public required IReadOnlyList<DocumentProblem> Problems { get; init; }
}

internal static class TestDocuments
{
    /// <summary>Every document of every case folder that is YAML or JSON at all, and the examples of the schemas.</summary>
    public static IReadOnlyList<TestDocument> All { get; } = [.. Read()];

    public static TestDocument Parse(string name, DocumentKind kind, byte[] content)
    {
        var asked = new List<(MappingNode, string)>();
        var problems = new ProblemList(name) { FieldAsked = (node, field) => asked.Add((node, field)) };
        var nodes = DocumentText.Read(content, problems);
        if (problems.HasErrors || (nodes.Count != 1 && kind is not DocumentKind.Attestations))
        {
            return new TestDocument(name, SchemaOf(kind), [], false) { Asked = asked, Problems = problems.Problems };
        }

        object? parsed = kind switch
        {
            DocumentKind.Policy => PolicyParser.Parse(nodes[0], "", problems),
            DocumentKind.SystemPolicy => PolicyParser.ParseSystem(nodes[0], problems),
            DocumentKind.Attestor => AttestorParser.Parse(nodes[0], problems),
            DocumentKind.Attestations => OccurrenceParser.Parse(nodes, problems),
            DocumentKind.PlatformPolicy => PlatformPolicyParser.Parse(nodes[0], problems),
            DocumentKind.Options => OptionsParser.Parse(nodes[0], problems),
            DocumentKind.Clusters => ClusterBindings.Parse(nodes[0], problems),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no document"),
        };
        return new TestDocument(name, SchemaOf(kind), nodes, parsed is not null) { Asked = asked, Problems = problems.Problems };
    }

    public static DocumentSchema SchemaOf(DocumentKind kind) => kind switch
    {
        DocumentKind.Policy => PolicySchemas.Policy,
        DocumentKind.SystemPolicy => PolicySchemas.SystemPolicy,
        DocumentKind.Attestor => AttestorSchemas.Attestor,
        DocumentKind.Attestations => AttestorSchemas.Attestations,
        DocumentKind.PlatformPolicy => PlatformPolicySchemas.PlatformPolicy,
        DocumentKind.Options => OptionsSchemas.Options,
        DocumentKind.Clusters => PlatformPolicySchemas.Clusters,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no document"),
    };

    private static DocumentKind KindOf(DocumentSchema schema) =>
        Enum.GetValues<DocumentKind>().Single(kind => kind is not DocumentKind.Unknown && SchemaOf(kind) == schema);

    /// <summary>
    /// The tree as the JSON an editor sees. A field without a value is left out: to the service it is absent, as in proto3 JSON.
    /// </summary>
    public static JsonNode? Json(DocumentNode node) => node switch
    {
        MappingNode mapping => new JsonObject(mapping.Entries.Where(entry => !entry.Value.IsNull)
            .Select(entry => KeyValuePair.Create(entry.Key, Json(entry.Value)))),
        SequenceNode list => new JsonArray([.. list.Items.Select(Json)]),
        ScalarNode { Quoted: true } text => JsonValue.Create(text.Text),
        { IsNull: true } => null,
        ScalarNode { Text: "true" or "false" } boolean => JsonValue.Create(boolean.Text == "true"),
        ScalarNode number when decimal.TryParse(number.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) => JsonValue.Create(value),
        ScalarNode text => JsonValue.Create(text.Text),
        _ => throw new ArgumentOutOfRangeException(nameof(node), node, "no node"),
    };

    private static IEnumerable<TestDocument> Read()
    {
        foreach (var name in CaseFolder.Names)
        {
            foreach (var (path, content) in CaseFolder.Load(name).Documents())
            {
                if (DocumentPlace.Of(path).Kind is var kind and not DocumentKind.Unknown)
                {
                    yield return Parse($"{name}/{path}", kind, content);
                }
            }
        }

        foreach (var schema in DocumentSchemas.All)
        {
            foreach (var (index, example) in schema.Examples.Index())
            {
                yield return Parse($"example {index + 1} of {schema.FileName}", KindOf(schema), Encoding.UTF8.GetBytes(example));
            }
        }

        foreach (var (name, kind, json) in FullDocuments.All)
        {
            yield return Parse(name, kind, Encoding.UTF8.GetBytes(json));
        }
    }
}
