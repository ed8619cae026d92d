using System.Collections.Frozen;
using PolicyService.Core.Access;

namespace PolicyService.Server.Access;

/// <summary>The quotas of an access file.</summary>
/// <param name="Default">Of callers that no entry names.</param>
/// <param name="Entries">In the order of the file: the first that names one of a caller's members counts.</param>
public sealed record CallerQuotas(CallerLimits Default, IReadOnlyList<(FrozenSet<string> Members, CallerLimits Quota)> Entries)
{
    /// <summary>Without an access file.</summary>
    public static CallerQuotas BuiltIn { get; } = new(CallerLimits.Default, []);

    public static CallerQuotas Of(AccessFile file) => new(
        file.DefaultLimits,
        [.. file.LimitedCallers.Select(entry => (entry.Members.Where(member => member.Grants).Select(member => member.ToString()).ToFrozenSet(StringComparer.Ordinal), entry.Limits))]);

    public CallerLimits Of(Caller caller)
    {
        foreach (var (members, quota) in Entries)
        {
            if ((!caller.IsAnonymous && members.Contains(Member.AllAuthenticatedUsers)) || caller.Members.Any(members.Contains))
            {
                return quota;
            }
        }

        return Default;
    }
}

/// <summary>The quotas that count now. Whoever reads the access file sets them.</summary>
public sealed class QuotasInForce
{
    private volatile CallerQuotas? _current;

    /// <summary>Null: nobody is limited, since nobody is told apart.</summary>
    public CallerQuotas? Current
    {
        get => _current;
        set => _current = value;
    }
}
