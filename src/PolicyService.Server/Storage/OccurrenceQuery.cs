using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage;

/// <summary>Which occurrences to list: those of one project or under one note, and of these the ones every filter takes.</summary>
/// <param name="Project">The project they were created in; empty when <paramref name="Note"/> is given.</param>
/// <param name="Note">The note they hang on; null when <paramref name="Project"/> is given.</param>
public sealed record OccurrenceQuery(string Project, NoteName? Note)
{
    /// <summary>As Grafeas spells it, such as <c>ATTESTATION</c>; null: any.</summary>
    public string? Kind { get; init; }

    /// <summary>Whose resource ends in this digest; null: any.</summary>
    public Digest? Digest { get; init; }

    /// <summary>Whose <c>resourceUri</c> is this one, with scheme or without; null: any.</summary>
    public string? ResourceUri { get; init; }
}
