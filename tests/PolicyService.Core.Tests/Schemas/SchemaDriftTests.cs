using PolicyService.Core.Documents;
using PolicyService.Core.Documents.Schemas;

namespace PolicyService.Core.Tests.Schemas;

/// <summary>The schemas know a field exactly where a parser asks for it.</summary>
public sealed class SchemaDriftTests
{
    public static TheoryData<string> Files => [.. DocumentSchemas.All.Select(schema => schema.FileName)];

    [Theory, MemberData(nameof(Files))]
    public void Parser_and_schema_know_the_same_fields(string file)
    {
        var schema = DocumentSchemas.All.Single(one => one.FileName == file);
        var asked = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var document in TestDocuments.All.Where(document => document.Schema == schema && document.Accepted))
        {
            var shapes = new Dictionary<DocumentNode, string>(ReferenceEqualityComparer.Instance);
            foreach (var node in document.Nodes)
            {
                Locate(schema.Shape, node, shapes);
            }

            asked.UnionWith(document.Asked.Select(one => shapes.TryGetValue(one.Node, out var shape)
                ? $"{shape}: {one.Field}"
                : $"{document.Name}:{one.Node.Mark.Line}, which the schema does not look into: {one.Field}"));
        }

        Assert.Equal(Known(schema.Shape).ToHashSet(StringComparer.Ordinal).Order(StringComparer.Ordinal), asked);
    }

    [Fact]
    public void Names_of_mappings_are_unique_in_a_document() =>
        Assert.All(DocumentSchemas.All, schema =>
        {
            var names = Mappings(schema.Shape).Select(mapping => mapping.Name).ToList();
            Assert.Equal(names.Distinct().Count(), names.Count);
        });

    /// <summary>Which shape each mapping of a tree has, where the schema says any.</summary>
    private static void Locate(Shape shape, DocumentNode node, Dictionary<DocumentNode, string> shapes)
    {
        var fitting = TestDocuments.Json(node) is { } json ? SchemaMutations.Fitting(shape, json) : shape;
        switch (fitting, node)
        {
            case (MappingShape mapping, MappingNode value):
                shapes[value] = mapping.Name;
                foreach (var entry in value.Entries)
                {
                    if (mapping.Fields.FirstOrDefault(field => field.Name == entry.Key) is { } field)
                    {
                        Locate(field.Shape, entry.Value, shapes);
                    }
                }

                break;
            case (TableShape table, MappingNode value):
                value.Entries.ToList().ForEach(entry => Locate(table.Value, entry.Value, shapes));
                break;
            case (ListShape list, SequenceNode value):
                value.Items.ToList().ForEach(item => Locate(list.Item, item, shapes));
                break;
        }
    }

    private static IEnumerable<string> Known(Shape shape) =>
        Mappings(shape).SelectMany(mapping => mapping.Fields.Select(field => $"{mapping.Name}: {field.Name}"));

    private static IEnumerable<MappingShape> Mappings(Shape shape) => shape switch
    {
        MappingShape mapping => mapping.Fields.SelectMany(field => Mappings(field.Shape)).Prepend(mapping),
        TableShape table => Mappings(table.Value),
        ListShape list => Mappings(list.Item),
        ChoiceShape choice => choice.Alternatives.SelectMany(Mappings),
        _ => [],
    };
}
