using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PolicyService.Core.Documents.Schemas;

/// <summary>
/// Writes a shape as JSON Schema draft-07, which editors read best; only keywords that older readers know too, and no references, so that a
/// field's description is found wherever the field stands.
/// </summary>
internal static class SchemaWriter
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The text of the schema file.</summary>
    public static string Write(DocumentSchema document)
    {
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = document.Title,
            ["description"] = document.Description,
        };
        Describe(document.Shape, schema);
        if (document.Examples.Count > 0)
        {
            schema["examples"] = new JsonArray([.. document.Examples.Select(example => JsonNode.Parse(example))]);
        }

        return schema.ToJsonString(Json) + "\n";
    }

    private static JsonObject Of(Shape shape)
    {
        var schema = new JsonObject();
        Describe(shape, schema);
        return schema;
    }

    private static void Describe(Shape shape, JsonObject schema)
    {
        switch (shape)
        {
            case TextShape text:
                Describe(text, schema);
                break;
            case TimeShape:
                (schema["type"], schema["format"]) = ("string", "date-time");
                break;
            case WordShape words:
                (schema["type"], schema["enum"]) = ("string", Strings(words.Words));
                break;
            case BooleanShape:
                schema["type"] = "boolean";
                break;
            case ListShape list:
                (schema["type"], schema["items"]) = ("array", Of(list.Item));
                AddCount(schema, "minItems", list.MinItems);
                break;
            case OpaqueShape { IsMapping: true }:
                schema["type"] = "object";
                break;
            case TableShape table:
                schema["type"] = "object";
                schema["patternProperties"] = new JsonObject { [table.KeyPattern] = Of(table.Value) };
                schema["additionalProperties"] = false;
                break;
            case ChoiceShape choice:
                schema["anyOf"] = new JsonArray([.. choice.Alternatives.Select(Of)]);
                break;
            case MappingShape mapping:
                Describe(mapping, schema);
                break;
        }
    }

    private static void Describe(TextShape text, JsonObject schema)
    {
        schema["type"] = "string";
        AddCount(schema, "maxLength", text.MaxLength ?? 0);
        if (text.Pattern is not null)
        {
            schema["pattern"] = text.Pattern;
        }
    }

    private static void Describe(MappingShape mapping, JsonObject schema)
    {
        schema["type"] = "object";
        schema["properties"] = new JsonObject(mapping.Fields.Select(field => KeyValuePair.Create(field.Name, (JsonNode?)Of(field))));
        var required = mapping.Fields.Where(field => field.Required).Select(field => field.Name).ToList();
        if (required.Count > 0)
        {
            schema["required"] = Strings(required);
        }

        schema["additionalProperties"] = false;
        if (mapping.Rule is not null)
        {
            var (keyword, cases) = Cases(mapping.Rule, mapping);
            schema[keyword] = new JsonArray([.. cases]);
        }
    }

    private static JsonObject Of(FieldShape field)
    {
        var schema = new JsonObject { ["description"] = field.Description };
        Describe(field.Shape, schema);
        if (field.Examples.Count > 0)
        {
            var values = Strings(field.Examples);
            schema["examples"] = field.Shape is ListShape ? new JsonArray(values) : values;
        }

        return schema;
    }

    private static (string Keyword, IEnumerable<JsonObject> Cases) Cases(FieldRule rule, MappingShape mapping) => rule switch
    {
        ExactlyOneOf one => ("oneOf", one.Fields.Select(name => Given(mapping, name))),
        AnyOf any => ("anyOf", any.Fields.Select(name => Given(mapping, name))),
        AtMostOneFilled most => ("anyOf", most.Fields.Select(filled => With(
            most.Fields.Where(name => name != filled).Select(name => (name, Empty(new JsonObject())))))),
        FilledExactlyFor filled => ("oneOf", FilledFor(filled, mapping)),
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "not a rule"),
    };

    /// <summary>The field is there, and says something: a boolean true, a list an item.</summary>
    private static JsonObject Given(MappingShape mapping, string name)
    {
        var given = mapping.Fields.Single(field => field.Name == name).Shape switch
        {
            BooleanShape => With([(name, new JsonObject { ["enum"] = new JsonArray(true) })]),
            ListShape => With([(name, new JsonObject { ["type"] = "array", ["minItems"] = 1 })]),
            _ => [],
        };
        given["required"] = Strings([name]);
        return given;
    }

    private static IEnumerable<JsonObject> FilledFor(FilledExactlyFor rule, MappingShape mapping)
    {
        var words = ((WordShape)mapping.Fields.Single(field => field.Name == rule.Field).Shape).Words;
        var filled = With([(rule.Field, Words([rule.Word])), (rule.List, new JsonObject { ["type"] = "array", ["minItems"] = 1 })]);
        filled["required"] = Strings([rule.List]);
        yield return filled;
        yield return With([(rule.Field, Words([.. words.Where(word => word != rule.Word)])), (rule.List, Empty(new JsonArray()))]);
    }

    // Not a maximum of 0, which some validators take for none.
    private static JsonObject Empty(JsonNode value) => new() { ["enum"] = new JsonArray(value) };

    private static JsonObject Words(IReadOnlyList<string> words) => new() { ["enum"] = Strings(words) };

    private static JsonObject With(IEnumerable<(string Name, JsonObject Schema)> properties) =>
        new() { ["properties"] = new JsonObject(properties.Select(property => KeyValuePair.Create(property.Name, (JsonNode?)property.Schema))) };

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode?)JsonValue.Create(value))]);

    private static void AddCount(JsonObject schema, string keyword, int count)
    {
        if (count > 0)
        {
            schema[keyword] = count;
        }
    }
}
