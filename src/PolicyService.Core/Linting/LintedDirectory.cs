using System.Collections.Frozen;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>A file of a documents directory as the linter sees it: parsed, and as a tree with places.</summary>
internal sealed record LintedFile(ParsedDocument Parsed, DocumentNode? Tree)
{
    public string Path => Parsed.Path;

    public LintFinding Finding(LintRule rule, Mark mark, string message, string remedy) => new(rule, Path, mark, message, remedy);
}

/// <summary>All files together, and what one must know of the others. Whatever looks at every document is done once, here.</summary>
internal sealed class LintedDirectory
{
    private readonly FrozenDictionary<string, AttestorName[]> _holders;

    /// <param name="files">Every file.</param>
    /// <param name="snapshot">The same documents as decisions see them.</param>
    /// <param name="time">The time as of which keys hold or have expired.</param>
    public LintedDirectory(LintedFile[] files, PolicySnapshot snapshot, DateTimeOffset time)
    {
        (Snapshot, Time) = (snapshot, time);
        Policy[] policies = [.. files.Select(file => file.Parsed.Content).OfType<Policy>()];
        Attestor[] attestors = [.. files.Select(file => file.Parsed.Content).OfType<Attestor>()];
        HasPolicies = policies.Length > 0;
        UsedAttestors = policies.SelectMany(policy => policy.SpecificRules.Values.Append(policy.DefaultRule)).SelectMany(rule => rule.RequireAttestationsBy).ToFrozenSet();
        Attestors = attestors.Select(attestor => attestor.Name).ToFrozenSet();
        _holders = attestors.SelectMany(attestor => KeysOf(attestor).Select(key => (Key: key, attestor.Name)))
            .GroupBy(held => held.Key, held => held.Name, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.Distinct().ToArray(), StringComparer.Ordinal);
    }

    public PolicySnapshot Snapshot { get; }

    public DateTimeOffset Time { get; }

    public bool HasPolicies { get; }

    /// <summary>Attestors that some rule names.</summary>
    public FrozenSet<AttestorName> UsedAttestors { get; }

    /// <summary>Attestors there are.</summary>
    public FrozenSet<AttestorName> Attestors { get; }

    /// <summary>Other attestors with a key of this one, in the order of their files.</summary>
    public IReadOnlyList<AttestorName> SharingWith(Attestor attestor) =>
        [.. KeysOf(attestor).SelectMany(key => _holders[key]).Where(other => other != attestor.Name).Distinct()];

    /// <summary>
    /// What the keys are told by: their material, and of those kept in Cloud KMS the name, however it is spelled, and what any project
    /// pins under it.
    /// </summary>
    private IEnumerable<string> KeysOf(Attestor attestor)
    {
        var names = attestor.Keys.Where(key => key.Problem is null).Select(key => KmsKeyName.TryParse(key.Id.ToString(), out var name) ? name : default).Where(name => name != default).ToArray();
        return attestor.Material.Select(digest => digest.ToString())
            .Concat(names.Select(name => name.ToString()))
            .Concat(names.SelectMany(name => Snapshot.Projects.Values.Select(project => project.Options.PinnedKeys.TryGetValue(name, out var pin) ? pin.ToString() : "")).Where(pin => pin.Length > 0))
            .Distinct(StringComparer.Ordinal);
    }
}
