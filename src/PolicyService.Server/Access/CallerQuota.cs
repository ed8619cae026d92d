using System.Collections.Frozen;
using PolicyService.Core;

namespace PolicyService.Server.Access;

/// <summary>What one caller may take (docs/access.md, <c>limits</c>).</summary>
/// <param name="RequestsPerSecond">How fast its bucket fills: requests, images of a batch, messages of a stream; a second.</param>
/// <param name="Burst">How many of them the full bucket holds.</param>
/// <param name="ConcurrentRequests">Requests under way at the same time; streams do not count here.</param>
/// <param name="Streams">Streams open at the same time.</param>
public sealed record CallerQuota(double RequestsPerSecond, int Burst, int ConcurrentRequests, int Streams)
{
    /// <summary>What counts where the access file says nothing.</summary>
    public static CallerQuota BuiltIn { get; } =
        new(Limits.CallerRequestsPerSecond, Limits.CallerBurst, Limits.CallerConcurrentRequests, Limits.CallerStreams);
}

/// <summary>The quotas of an access file.</summary>
/// <param name="Default">Of callers that no entry names.</param>
/// <param name="Entries">In the order of the file: the first that names one of a caller's members counts.</param>
public sealed record CallerQuotas(CallerQuota Default, IReadOnlyList<(FrozenSet<string> Members, CallerQuota Quota)> Entries)
{
    private const string Everybody = "allAuthenticatedUsers";

    /// <summary>Without an access file.</summary>
    public static CallerQuotas BuiltIn { get; } = new(CallerQuota.BuiltIn, []);

    public CallerQuota Of(Caller caller)
    {
        foreach (var (members, quota) in Entries)
        {
            if ((!caller.IsAnonymous && members.Contains(Everybody)) || caller.Members.Any(members.Contains))
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
