namespace PolicyService.Core.Documents;

/// <summary>A place in a document; line and column count from 1.</summary>
public readonly record struct Mark(int Line, int Column);

/// <summary>A YAML or JSON value with its place. YAML and JSON give the same tree, so one reader serves both.</summary>
public abstract record DocumentNode(Mark Mark)
{
    /// <summary>What the node is, in words for people.</summary>
    public abstract string Kind { get; }

    /// <summary>YAML and JSON null, which proto3 JSON reads as absent.</summary>
    public bool IsNull => this is ScalarNode { Quoted: false, Text: "null" or "~" or "" or "Null" or "NULL" };
}

/// <summary>A string, number, boolean or null; <paramref name="Quoted"/> tells a string from the others.</summary>
public sealed record ScalarNode(string Text, bool Quoted, Mark Mark) : DocumentNode(Mark)
{
    public override string Kind => IsNull ? "null" : Quoted ? "a string" : $"`{Shown.Value(Text)}`";
}

/// <summary>A list.</summary>
public sealed record SequenceNode(IReadOnlyList<DocumentNode> Items, Mark Mark) : DocumentNode(Mark)
{
    public override string Kind => "a list";
}

/// <summary>A mapping. Keys are unique: a repeated one refuses the document.</summary>
public sealed record MappingNode(IReadOnlyList<MappingEntry> Entries, Mark Mark) : DocumentNode(Mark)
{
    public override string Kind => "a mapping";
}

/// <summary>One key of a mapping.</summary>
public sealed record MappingEntry(string Key, Mark Mark, DocumentNode Value);
