using System.Text;
using System.Text.Json.Nodes;
using PolicyService.Core.Documents.Schemas;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Schemas;

/// <summary>
/// Documents with one thing wrong, at every place where a thing can be wrong: an unknown field, a missing one, a wrong type, word, pattern or key.
/// </summary>
internal static class SchemaMutations
{
    private const string FitsNoPattern = "* *";

    private static readonly Dictionary<string, (DocumentKind Kind, string Json)> Broken = Collect(Breaks);
    private static readonly Dictionary<string, (DocumentKind Kind, string Json)> Reworded = Collect(Words);

    /// <summary>What is wrong, for each.</summary>
    public static TheoryData<string> All => [.. Broken.Keys];

    /// <summary>Documents in which one word stands for another of its schema.</summary>
    public static TheoryData<string> AllWords => [.. Reworded.Keys];

    public static TestDocument Of(string what) => Parse(what, Broken[what]);

    public static TestDocument OfWord(string what) => Parse(what, Reworded[what]);

    private static TestDocument Parse(string what, (DocumentKind Kind, string Json) document) =>
        TestDocuments.Parse(what, document.Kind, Encoding.UTF8.GetBytes(document.Json));

    private static Dictionary<string, (DocumentKind Kind, string Json)> Collect(Func<Shape, JsonNode, IEnumerable<(string What, JsonNode? Value)>> change)
    {
        var found = new Dictionary<string, (DocumentKind, string)>(StringComparer.Ordinal);
        foreach (var (name, kind, json) in FullDocuments.All)
        {
            foreach (var (what, value) in Changes(TestDocuments.SchemaOf(kind).Shape, JsonNode.Parse(json)!, change))
            {
                found.Add($"{name}: {what}", (kind, value?.ToJsonString() ?? "null"));
            }
        }

        return found;
    }

    /// <summary>The value with one change, at itself or anywhere inside.</summary>
    private static IEnumerable<(string What, JsonNode? Value)> Changes(
        Shape shape, JsonNode node, Func<Shape, JsonNode, IEnumerable<(string What, JsonNode? Value)>> change)
    {
        var fitting = Fitting(shape, node);
        IEnumerable<(string What, JsonNode? Value)> inside = (fitting, node) switch
        {
            (MappingShape mapping, JsonObject value) => mapping.Fields.Where(field => value[field.Name] is not null)
                .SelectMany(field => Inside(value, field.Name, field.Shape, change)),
            (TableShape table, JsonObject value) => value.Select(pair => pair.Key).SelectMany(key => Inside(value, key, table.Value, change)),
            (ListShape list, JsonArray { Count: > 0 } value) => Enumerable.Range(0, value.Count).SelectMany(index => Changes(list.Item, value[index]!, change)
                .Select(inner => ($"[{index}]{inner.What}", (JsonNode?)Replaced(value, index, inner.Value)))),
            _ => [],
        };
        return change(fitting, node).Concat(inside);
    }

    private static IEnumerable<(string What, JsonNode? Value)> Inside(
        JsonObject value, string key, Shape shape, Func<Shape, JsonNode, IEnumerable<(string What, JsonNode? Value)>> change) =>
        Changes(shape, value[key]!, change).Select(inner => ($".{key}{inner.What}", (JsonNode?)Replaced(value, key, inner.Value)));

    private static IEnumerable<(string What, JsonNode? Value)> Breaks(Shape shape, JsonNode node)
    {
        if (shape is not OpaqueShape)
        {
            yield return (" of a wrong type", shape is TextShape or TimeShape or WordShape ? new JsonObject { ["a"] = 1 } : JsonValue.Create("text"));
        }

        if (shape is TextShape { Pattern: not null } or TimeShape or WordShape)
        {
            yield return (" with a text it cannot have", JsonValue.Create(FitsNoPattern));
        }

        if (shape is TableShape)
        {
            yield return (" with a key it cannot have", Renamed((JsonObject)node));
        }

        if (shape is MappingShape mapping)
        {
            yield return (" with an unknown field", Replaced((JsonObject)node, "unknownField", JsonValue.Create("x")));
            foreach (var field in mapping.Fields.Where(field => field.Required))
            {
                yield return ($" without {field.Name}", Replaced((JsonObject)node, field.Name, null));
            }
        }
    }

    private static IEnumerable<(string What, JsonNode? Value)> Words(Shape shape, JsonNode node) =>
        shape is WordShape words ? words.Words.Select(word => ($" = {word}", (JsonNode?)JsonValue.Create(word))) : [];

    /// <summary>Which of several ways this value is written in.</summary>
    public static Shape Fitting(Shape shape, JsonNode node) => shape is not ChoiceShape choice ? shape : node switch
    {
        JsonArray => choice.Alternatives.Single(one => one is ListShape),
        JsonObject value => choice.Alternatives.OfType<MappingShape>().MaxBy(one => one.Fields.Count(field => value.ContainsKey(field.Name)))!,
        _ => choice.Alternatives.Single(one => one is WordShape),
    };

    private static JsonObject Replaced(JsonObject value, string key, JsonNode? with)
    {
        var copy = (JsonObject)value.DeepClone();
        copy.Remove(key);
        if (with is not null)
        {
            copy[key] = with.DeepClone();
        }

        return copy;
    }

    private static JsonArray Replaced(JsonArray value, int index, JsonNode? with)
    {
        var copy = (JsonArray)value.DeepClone();
        copy[index] = with?.DeepClone();
        return copy;
    }

    private static JsonObject Renamed(JsonObject value) => new([KeyValuePair.Create(FitsNoPattern, value.First().Value?.DeepClone())]);
}
