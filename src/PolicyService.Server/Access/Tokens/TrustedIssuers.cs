using System.Collections.Frozen;
using PolicyService.Core.Access;

namespace PolicyService.Server.Access.Tokens;

/// <summary>The issuers whose tokens count now: the one of the flags, and those of the access file.</summary>
internal sealed class TrustedIssuers : IDisposable
{
    private readonly TrustedIssuer? _ofFlags;
    private readonly KeyDiscovery _discovery;
    private readonly AccessProblems _problems;
    private readonly AccessChanges _changes;
    private readonly TimeProvider _time;
    private FrozenDictionary<string, IssuerKeys> _issuers = FrozenDictionary<string, IssuerKeys>.Empty;

    /// <exception cref="SettingsException">The file of keys that the flags name cannot be used.</exception>
    public TrustedIssuers(AuthenticationSettings settings, AccessProblems problems, AccessChanges changes, TimeProvider time)
    {
        (_ofFlags, _problems, _changes, _time) = (settings.Issuer, problems, changes, time);
        _discovery = new KeyDiscovery(time);
        Replace([]);
        foreach (var issuer in All.Where(issuer => issuer.Issuer.KeysFile is not null))
        {
            issuer.Look(settings.KeysInterval);
            if (issuer.Current is null)
            {
                throw new SettingsException($"{problems.All[issuer.Subject]}: mend {SettingsTable.AuthKeysFile.Flag}");
            }
        }
    }

    public IReadOnlyCollection<IssuerKeys> All => Volatile.Read(ref _issuers).Values;

    public IssuerKeys? Find(string issuer) => Volatile.Read(ref _issuers).GetValueOrDefault(issuer);

    /// <summary>It is among them as it was: same audience, same rights, same place of keys.</summary>
    public bool Has(IssuerKeys issuer) => ReferenceEquals(Find(issuer.Issuer.Issuer), issuer);

    /// <summary>Puts the issuers of the access file into force. Those that stay as they were keep their keys; a name the flags have is theirs.</summary>
    public void Replace(IEnumerable<TrustedIssuer> ofFile)
    {
        var old = Volatile.Read(ref _issuers);
        var issuers = new Dictionary<string, IssuerKeys>(StringComparer.Ordinal);
        foreach (var issuer in (_ofFlags is null ? [] : new[] { _ofFlags }).Concat(ofFile))
        {
            // Two issuers whose subjects would be called the same are one name for two; the flags come first.
            if (issuers.Values.Any(known => known.Issuer.Authority == issuer.Authority))
            {
                continue;
            }

            issuers.Add(issuer.Issuer, old.TryGetValue(issuer.Issuer, out var known) && IsSame(known.Issuer, issuer)
                ? known
                : new IssuerKeys(issuer, _discovery, _problems, _changes, _time));
        }

        foreach (var gone in old.Where(pair => !issuers.TryGetValue(pair.Key, out var kept) || !ReferenceEquals(kept, pair.Value)))
        {
            _problems.Forget(gone.Value.Subject);
        }

        Volatile.Write(ref _issuers, issuers.ToFrozenDictionary(StringComparer.Ordinal));
        _changes.Tell();
    }

    /// <summary>The same people by the same tokens.</summary>
    private static bool IsSame(TrustedIssuer one, TrustedIssuer other) =>
        one.EmailDomains.SequenceEqual(other.EmailDomains) && one with { EmailDomains = [] } == other with { EmailDomains = [] };

    public void Dispose() => _discovery.Dispose();
}
