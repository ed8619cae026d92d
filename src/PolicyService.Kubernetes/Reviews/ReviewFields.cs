using System.Collections.Frozen;
using System.Text.Json;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>
/// The names of the fields that are read of one kind of JSON object. Decoders of Go take a field by a name that differs in case, so a
/// look-alike of one of these could name an image to a controller that nobody judged: it refuses the object.
/// </summary>
internal sealed class FieldNames(params string[] names)
{
    private readonly FrozenSet<string> _exact = names.ToFrozenSet(StringComparer.Ordinal);
    private readonly FrozenSet<string> _folded = names.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public bool IsLookAlike(string name) => !_exact.Contains(name) && _folded.Contains(Fold(name));

    /// <summary>The two characters outside ASCII that Go takes for an s and a k.</summary>
    private static string Fold(string name) => name.Replace('\u017F', 's').Replace('\u212A', 'k');
}

/// <summary>One JSON object of a review, read strictly. Whatever has another shape than expected ends the reading with a <see cref="ReviewException"/>.</summary>
internal sealed class ReviewFields
{
    /// <summary>Path of a whole review.</summary>
    public const string Review = "review";

    private readonly JsonElement _element;

    private ReviewFields(JsonElement element, string path) => (_element, Path) = (element, path);

    /// <summary>Where the object stands, for messages, e.g. <c>object.spec.containers[0]</c>.</summary>
    public string Path { get; }

    public static ReviewFields Of(JsonElement element, string path, FieldNames names)
    {
        if (element.ValueKind is not JsonValueKind.Object)
        {
            throw Malformed(path, $"is {Shape(element)}, not an object");
        }

        foreach (var property in element.EnumerateObject())
        {
            var name = NameOf(property, path);
            if (names.IsLookAlike(name))
            {
                throw Malformed(path, $"has a field `{PlainText.Line(name, 60)}` that differs only in case from one that is judged: write it as the API does");
            }
        }

        return new ReviewFields(element, path);
    }

    /// <summary>The same object, whose other fields are read, too.</summary>
    public ReviewFields Recheck(FieldNames names) => Of(_element, Path, names);

    /// <summary>The value of a field; absent where it is null, as for Kubernetes.</summary>
    public JsonElement? Find(string name) =>
        _element.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    /// <summary>A text; empty where there is none.</summary>
    public string Text(string name) => Find(name) is { } value ? TextOf(value, PathOf(name)) : "";

    public bool Flag(string name) => Find(name) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        var other => throw Malformed(PathOf(name), $"is {Shape(other.Value)}, not true or false"),
    };

    public ReviewFields? Child(string name, FieldNames names) => Find(name) is { } value ? Of(value, PathOf(name), names) : null;

    /// <summary>The elements of a list; none where there is no list.</summary>
    public IEnumerable<JsonElement> Items(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } value => value.EnumerateArray(),
        var other => throw Malformed(PathOf(name), $"is {Shape(other.Value)}, not a list"),
    };

    /// <summary>Texts by name, as labels and annotations are.</summary>
    public Dictionary<string, string> Texts(string name)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find(name) is not { } value)
        {
            return texts;
        }

        var path = PathOf(name);
        if (value.ValueKind is not JsonValueKind.Object)
        {
            throw Malformed(path, $"is {Shape(value)}, not an object");
        }

        foreach (var property in value.EnumerateObject())
        {
            var key = NameOf(property, path);
            texts[key] = property.Value.ValueKind is JsonValueKind.Null ? "" : TextOf(property.Value, $"{path}.{PlainText.Line(key, 60)}");
        }

        return texts;
    }

    /// <summary>What stands in the review itself is named without it, as in the API's reference.</summary>
    private string PathOf(string name) => Path == Review ? name : $"{Path}.{name}";

    public static ReviewException Malformed(string path, string problem) => new(ReviewProblem.Malformed($"`{path}` {problem}"));

    private static string TextOf(JsonElement value, string path)
    {
        if (value.ValueKind is not JsonValueKind.String)
        {
            throw Malformed(path, $"is {Shape(value)}, not a text");
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Malformed(path, "is no Unicode text");
        }
    }

    private static string NameOf(JsonProperty property, string path)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw Malformed(path, "has a field whose name is no Unicode text");
        }
    }

    private static string Shape(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };
}
