using NJsonSchema;
using PolicyService.Core.Documents.Schemas;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Schemas;

public sealed class SchemaFileTests
{
    private static readonly string Folder = Path.Combine(CaseFolder.Root, "..", "..", "..", "deploy", "schemas");

    public static TheoryData<string> Files => [.. DocumentSchemas.All.Select(schema => schema.FileName)];

    [Theory, MemberData(nameof(Files))]
    public void Schema_file_is_up_to_date(string file)
    {
        var path = Path.Combine(Folder, file);
        var text = SchemaWriter.Write(DocumentSchemas.All.Single(schema => schema.FileName == file));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, text);
        }

        Assert.Equal(File.ReadAllText(path), text);
    }

    [Fact]
    public void Folder_holds_no_other_schema() =>
        Assert.Equal(
            DocumentSchemas.All.Select(schema => schema.FileName).Order(StringComparer.Ordinal),
            Directory.GetFiles(Folder, "*.json").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Files))]
    public async Task Schema_describes_every_field(string file)
    {
        var schema = await JsonSchema.FromFileAsync(Path.Combine(Folder, file), TestContext.Current.CancellationToken);
        Assert.NotEmpty(schema.Title!);
        Assert.All(Fields(schema), field => Assert.False(string.IsNullOrWhiteSpace(field.Description), field.Name));
    }

    private static IEnumerable<JsonSchemaProperty> Fields(JsonSchema schema)
    {
        var below = schema.AnyOf.Where(part => part.Type is not JsonObjectType.None)
            .Concat(schema.PatternProperties.Values)
            .Concat(schema.Item is { } item ? [item] : [])
            .Concat(schema.Properties.Values);
        return schema.Properties.Values.Concat(below.SelectMany(Fields));
    }
}
