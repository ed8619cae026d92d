using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>Something about a key became other than it was: told once, however often it is seen.</summary>
public abstract record KeyChange(KmsKeyName Name)
{
    /// <summary>The key service gives the key no more; null: it does again.</summary>
    public sealed record Availability(KmsKeyName Name, KeyFailure? Failure) : KeyChange(Name);

    /// <summary>The version's state can be read no more; null: it can again.</summary>
    public sealed record Readability(KmsKeyName Name, KeyFailure? Failure) : KeyChange(Name);

    /// <summary>The version's state.</summary>
    public sealed record State(KmsKeyName Name, KeyState Before, KeyState Now) : KeyChange(Name);
}
