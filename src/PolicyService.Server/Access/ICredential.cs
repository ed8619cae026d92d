namespace PolicyService.Server.Access;

/// <summary>What a caller has authenticated with, as it must be looked at again while a stream goes on.</summary>
internal interface ICredential
{
    /// <summary>From then on it counts no more, whatever else happens.</summary>
    DateTimeOffset Until { get; }

    /// <summary>Why it counts no more; null while it counts. Asks nobody: cheap enough for every message.</summary>
    string? ProblemAt(DateTimeOffset now);
}
