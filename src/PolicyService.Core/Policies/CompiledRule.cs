using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>An attestor as one rule needs it: resolved, with the options of the rule's project.</summary>
/// <param name="Name">Its name in the rule.</param>
/// <param name="Attestor">The attestor; null if the name dangles.</param>
/// <param name="Problem">Why it cannot be used (POLICY_CONFIG_ERROR); null if it can.</param>
/// <param name="Sources">Where its evidence may come from.</param>
/// <param name="MaxAge">How old an attestation may be; null: any age.</param>
public sealed record RequiredAttestor(
    AttestorName Name, Attestor? Attestor, string? Problem, IReadOnlyList<EvidenceSource> Sources, TimeSpan? MaxAge)
{
    /// <summary>Whether occurrences under its note count.</summary>
    public bool TakesOccurrences { get; } = Sources.Contains(EvidenceSource.Grafeas);

    /// <summary>Whether signatures beside the image count.</summary>
    public bool TakesRegistry { get; } = Sources.Contains(EvidenceSource.Registry);

    /// <summary>Whether attestations sent along count, of callers who are granted them.</summary>
    public bool TakesInline { get; } = Sources.Contains(EvidenceSource.Inline);

    /// <summary>The problem is a key that another attestor of the rule has too, where one signature could satisfy both.</summary>
    public bool SharesKey { get; init; }

    /// <summary>
    /// False: it is another project's, and nobody granted it to the policy's (docs/access.md). Then nothing else is known of it here, not even
    /// whether it exists.
    /// </summary>
    public bool IsPermitted { get; init; } = true;
}

/// <summary>A rule with its attestors resolved, once, when the snapshot is built.</summary>
public sealed record CompiledRule(AdmissionRule Rule, IReadOnlyList<RequiredAttestor> Attestors)
{
    /// <summary>Those of the attestors that evidence can satisfy; the others are denied whatever there is.</summary>
    internal RequiredAttestor[] Satisfiable { get; } = [.. Attestors.Where(required => required is { Problem: null, Attestor.Keys.Count: > 0 })];

    internal static CompiledRule Compile(
        AdmissionRule rule, ProjectOptions options, IReadOnlyDictionary<AttestorName, Attestor> attestors, Predicate<AttestorName> mayUse)
    {
        var required = rule.RequireAttestationsBy
            .Select(name => mayUse(name)
                ? Resolve(name, attestors.GetValueOrDefault(name), options)
                : new RequiredAttestor(name, null, null, options.SourcesOf(name), options.MaxAgeOf(name)) { IsPermitted = false })
            .ToArray();
        return new CompiledRule(rule, RefuseSharedKeys(required, options));
    }

    private static RequiredAttestor Resolve(AttestorName name, Attestor? attestor, ProjectOptions options)
    {
        var keys = attestor is null ? [] : attestor.Keys.Select(key => Pinned(key, options)).ToArray();
        var problem = attestor is null ? "the attestor does not exist"
            : keys.Length > 0 && keys.All(key => key.Problem is not null) ? $"none of the attestor's keys is usable ({keys[0].Problem})"
            : null;
        var resolved = attestor is null ? null : new Attestor(name, attestor.Note, keys);
        return new RequiredAttestor(name, resolved, problem, options.SourcesOf(name), options.MaxAgeOf(name));
    }

    /// <summary>A key kept elsewhere counts only under its pin; the pin is that of the rule's project, and so is what its end does.</summary>
    private static AttestorKey Pinned(AttestorKey key, ProjectOptions options) => key switch
    {
        { Remote: { } remote } => key with
        {
            Remote = remote with
            {
                Pin = options.PinnedKeys.TryGetValue(remote.Name, out var pin) ? pin : null,
                RevokeOnDisable = options.RevokeOnKmsDisable,
            },
        },
        // A PEM is its own pin; what becomes of the version concerns it all the same.
        { Key: PublicKey given } when options.RevokeOnKmsDisable && KmsKeyName.TryParse(key.Id.ToString(), out var name) => AttestorKey.Elsewhere(
            key.Id, new RemoteKey(name, given.Algorithm) { Pin = given.Fingerprint, Given = new KeyResolution.Found(given), RevokeOnDisable = true }),
        _ => key,
    };

    /// <summary>
    /// Registry and inline signatures name no note, so one signature would satisfy both of two attestors that share a key.
    /// </summary>
    private static RequiredAttestor[] RefuseSharedKeys(RequiredAttestor[] required, ProjectOptions options)
    {
        if (!required.Any(TakesNoteless))
        {
            return required;
        }

        var material = Array.ConvertAll(required, Material);
        for (var first = 0; first < required.Length; first++)
        {
            for (var second = first + 1; second < required.Length; second++)
            {
                if ((TakesNoteless(required[first]) || TakesNoteless(required[second])) && material[first].Overlaps(material[second]))
                {
                    required[first] = Refused(required[first], required[second]);
                    required[second] = Refused(required[second], required[first]);
                }
            }
        }

        return required;
    }

    private static bool TakesNoteless(RequiredAttestor required) =>
        required.TakesRegistry || required.TakesInline;

    /// <summary>Every key of the attestor, those kept elsewhere by their pin.</summary>
    private static HashSet<Digest> Material(RequiredAttestor required) =>
    [
        .. required.Attestor?.Material ?? [],
        .. required.Attestor?.Keys.Select(key => key.Remote?.Pin).OfType<Digest>() ?? [],
    ];

    /// <summary>What was wrong with it before stays what is said of it.</summary>
    private static RequiredAttestor Refused(RequiredAttestor required, RequiredAttestor other) => required.Problem is not null ? required : required with
    {
        Problem = $"it shares a key with {other.Name}, and one of the two takes signatures that name no note",
        SharesKey = true,
    };
}
