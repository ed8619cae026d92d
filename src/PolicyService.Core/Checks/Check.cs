using PolicyService.Core.Decisions;
using PolicyService.Core.Images;

namespace PolicyService.Core.Checks;

/// <summary>All that a check may look at. The time is data, never read from a clock.</summary>
public sealed record CheckInput(ImageReference Image, DateTimeOffset EvaluationTime, EvidenceSet Evidence);

/// <summary>What one check found.</summary>
public sealed record CheckResult(Conformance Conformance, string Check, string Explanation)
{
    /// <summary>The pattern of the check's own allowlist that spared the image; null if none did.</summary>
    public NamePattern? Allowlisted { get; init; }

    /// <summary>Evidence that could not be had, where the result is an error for that.</summary>
    public IReadOnlyList<EvidenceFailure> Failures { get; init; } = [];

    /// <summary>SHA-256 of the payload that counted; null if none was asked for.</summary>
    public Digest? Evidence { get; init; }

    /// <summary>What counted comes from the archive, and its source last showed it then; null: no source was down.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>What would make the image conform; empty where the check says it by its name.</summary>
    public string Remedy { get; init; } = "";
}

/// <summary>One check of a platform policy. <paramref name="Type"/> is the name of its field in the document.</summary>
public abstract record Check(string Type, string DisplayName, NamePatternSet Allowlist)
{
    public CheckResult Evaluate(CheckInput input) =>
        Allowlist.Match(input.Image.MatchText) is { } pattern
            ? new CheckResult(Conformance.Conformant, Type, $"`{input.Image.Text}` matches the check's allowlist pattern `{pattern.Text}`") { Allowlisted = pattern }
            : Judge(input);

    protected abstract CheckResult Judge(CheckInput input);
}

/// <summary>
/// What the loader writes where Binary Authorization lets an absence mean "allow" (no check sets, or an empty one), so that nothing
/// else ever passes by being empty.
/// </summary>
public sealed record AlwaysAllowCheck() : Check("alwaysAllow", "", NamePatternSet.Empty)
{
    protected override CheckResult Judge(CheckInput input) => new(Conformance.Conformant, Type, "the policy has no checks for this pod");
}

/// <summary>The catch-all that no image passes.</summary>
public sealed record AlwaysDenyCheck(string DisplayName, NamePatternSet Allowlist) : Check("alwaysDeny", DisplayName, Allowlist)
{
    protected override CheckResult Judge(CheckInput input) => new(Conformance.NonConformant, Type, "the check denies every image");
}

/// <summary>Requires the image to come from a trusted directory.</summary>
public sealed record TrustedDirectoryCheck(string DisplayName, NamePatternSet Allowlist, IReadOnlyList<DirectoryPattern> Directories)
    : Check("trustedDirectoryCheck", DisplayName, Allowlist)
{
    protected override CheckResult Judge(CheckInput input)
    {
        var match = Directories.FirstOrDefault(directory => directory.Contains(input.Image.Name));
        return match is null
            ? new CheckResult(Conformance.NonConformant, Type, $"`{input.Image.Text}` is outside every trusted directory")
            : new CheckResult(Conformance.Conformant, Type, $"`{input.Image.Text}` is inside `{match.Text}`");
    }
}

/// <summary>A check whose evidence this version cannot fetch: always an error, so that it is never taken for passed.</summary>
public sealed record UnavailableCheck(string Type, string DisplayName, NamePatternSet Allowlist) : Check(Type, DisplayName, Allowlist)
{
    protected override CheckResult Judge(CheckInput input) => new(Conformance.Error, Type, $"this version cannot evaluate `{Type}`");
}
