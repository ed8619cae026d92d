namespace PolicyService.Core.Documents.Schemas;

/// <summary>What a value of a document may look like. The JSON Schemas are written from it, and tests hold it against the parsers.</summary>
internal abstract record Shape;

/// <summary>A string; the pattern never refuses what the parser takes.</summary>
internal sealed record TextShape(string? Pattern = null, int? MaxLength = null) : Shape;

/// <summary>A point in time as RFC 3339 writes it.</summary>
internal sealed record TimeShape : Shape;

/// <summary>One of a few words.</summary>
internal sealed record WordShape(params IReadOnlyList<string> Words) : Shape;

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed record BooleanShape : Shape;

/// <summary>A list of one kind of items.</summary>
internal sealed record ListShape(Shape Item, int MinItems = 0) : Shape;

/// <summary>A mapping, or anything at all, whose inside no parser of this version reads.</summary>
internal sealed record OpaqueShape(bool IsMapping) : Shape;

/// <summary>A mapping whose keys the author chooses.</summary>
internal sealed record TableShape(string KeyPattern, Shape Value) : Shape;

/// <summary>A value that may be written in one of several ways.</summary>
internal sealed record ChoiceShape(params IReadOnlyList<Shape> Alternatives) : Shape;

/// <summary>A mapping with fixed fields; any other field is refused.</summary>
/// <param name="Name">What it is, in words for people; unique in a document.</param>
/// <param name="Fields">Every field there is.</param>
internal sealed record MappingShape(string Name, params IReadOnlyList<FieldShape> Fields) : Shape
{
    /// <summary>What must hold between the fields.</summary>
    public FieldRule? Rule { get; init; }
}

/// <summary>A field of a mapping. The description is what an editor shows.</summary>
internal sealed record FieldShape(string Name, Shape Shape, string Description, params IReadOnlyList<string> Examples)
{
    public bool Required { get; init; }
}

/// <summary>A rule between fields; one of the cases below.</summary>
internal abstract record FieldRule;

/// <summary>Exactly one of the fields is given; a boolean counts where it is true.</summary>
internal sealed record ExactlyOneOf(params IReadOnlyList<string> Fields) : FieldRule;

/// <summary>One of the fields, which are lists, is given.</summary>
internal sealed record AnyOf(params IReadOnlyList<string> Fields) : FieldRule;

/// <summary>At most one of the fields, which are mappings, has an entry.</summary>
internal sealed record AtMostOneFilled(params IReadOnlyList<string> Fields) : FieldRule;

/// <summary>A list has items exactly where another field has a certain word.</summary>
internal sealed record FilledExactlyFor(string List, string Field, string Word) : FieldRule;

/// <summary>A document of its own schema file.</summary>
/// <param name="FileName">Name of the committed schema.</param>
/// <param name="Title">What the document is.</param>
/// <param name="Description">Where it stands and what it is for.</param>
/// <param name="Shape">What it looks like.</param>
internal sealed record DocumentSchema(string FileName, string Title, string Description, Shape Shape)
{
    /// <summary>Whole documents, as JSON.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];
}
