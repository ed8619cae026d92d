using System.Buffers;

namespace PolicyService.Core.Policies;

/// <summary>Parts of Google resource names as our documents use them.</summary>
public static class ResourceNames
{
    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>An id of an attestor, note, occurrence or policy: letters, digits, <c>. _ -</c>, not starting with a dot.</summary>
    public static bool IsId(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= Limits.StringBytes && text[0] != '.' && !text.ContainsAnyExcept(IdCharacters);

    /// <summary>A project id; a domain-scoped one carries one colon (<c>example.com:acme</c>).</summary>
    public static bool IsProject(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        return colon < 0 ? IsId(text) : text.Length <= Limits.StringBytes && IsId(text[..colon]) && IsId(text[(colon + 1)..]);
    }

    /// <summary>Takes <c>projects/P/collection/ID</c> apart.</summary>
    internal static bool TrySplit(string? text, string collection, out string project, out string id)
    {
        (project, id) = ("", "");
        var parts = (text ?? "").Split('/');
        if (parts.Length != 4 || parts[0] != "projects" || parts[2] != collection || !IsProject(parts[1]) || !IsId(parts[3]))
        {
            return false;
        }

        (project, id) = (parts[1], parts[3]);
        return true;
    }
}

/// <summary><c>projects/P/attestors/A</c>. The default value names nothing.</summary>
public readonly record struct AttestorName
{
    private readonly string? _text;

    private AttestorName(string text, string project, string id) => (_text, Project, Id) = (text, project, id);

    public string Project { get; }

    public string Id { get; }

    public static bool TryParse(string? text, out AttestorName name)
    {
        var valid = ResourceNames.TrySplit(text, "attestors", out var project, out var id);
        name = valid ? new AttestorName(text!, project, id) : default;
        return valid;
    }

    internal static bool Parse(string text, out AttestorName name, out string problem)
    {
        problem = "write projects/<project>/attestors/<attestor>";
        return TryParse(text, out name);
    }

    /// <summary>The parts follow from the text.</summary>
    public bool Equals(AttestorName other) => _text == other._text;

    public override int GetHashCode() => _text?.GetHashCode(StringComparison.Ordinal) ?? 0;

    public override string ToString() => _text ?? "";
}

/// <summary><c>projects/P/notes/N</c>. The default value names nothing.</summary>
public readonly record struct NoteName
{
    private readonly string? _text;

    private NoteName(string text) => _text = text;

    /// <summary>The project it stands in; empty for the default value.</summary>
    public string Project => _text is null ? "" : _text.Split('/')[1];

    public static bool TryParse(string? text, out NoteName name)
    {
        var valid = ResourceNames.TrySplit(text, "notes", out _, out _);
        name = valid ? new NoteName(text!) : default;
        return valid;
    }

    internal static bool Parse(string text, out NoteName name, out string problem)
    {
        problem = "write projects/<project>/notes/<note>";
        return TryParse(text, out name);
    }

    public override string ToString() => _text ?? "";
}

/// <summary><c>projects/P/platforms/gke|cloudRun/policies/X</c>. The default value names nothing.</summary>
public readonly record struct PlatformPolicyName
{
    private readonly string? _text;

    private PlatformPolicyName(string text, string project, string platform) => (_text, Project, Platform) = (text, project, platform);

    public string Project { get; }

    /// <summary><c>gke</c> or <c>cloudRun</c>.</summary>
    public string Platform { get; }

    public static bool TryParse(string? text, out PlatformPolicyName name)
    {
        var parts = (text ?? "").Split('/');
        var valid = parts is ["projects", var project, "platforms", "gke" or "cloudRun", "policies", var id]
            && ResourceNames.IsProject(project) && ResourceNames.IsId(id);
        name = valid ? new PlatformPolicyName(text!, parts[1], parts[3]) : default;
        return valid;
    }

    internal static bool Parse(string text, out PlatformPolicyName name, out string problem)
    {
        problem = "write projects/<project>/platforms/gke/policies/<policy> (or platforms/cloudRun)";
        return TryParse(text, out name);
    }

    public override string ToString() => _text ?? "";
}
