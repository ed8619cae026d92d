using System.Collections.Frozen;
using PolicyService.Core.Access;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Access;

/// <summary>The quotas of an access file.</summary>
/// <param name="Default">Of callers that no entry names.</param>
/// <param name="Entries">In the order of the file: the first that names one of a caller's members counts.</param>
public sealed record CallerQuotas(CallerLimits Default, IReadOnlyList<(FrozenSet<string> Members, CallerLimits Quota)> Entries)
{
    /// <summary>Where a member stands first: asked for each request, whatever the number of entries.</summary>
    private readonly FrozenDictionary<string, int> _first = Entries
        .SelectMany((entry, index) => entry.Members.Select(member => (member, index)))
        .GroupBy(pair => pair.member, pair => pair.index, StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => group.Min(), StringComparer.Ordinal);

    public static CallerQuotas Of(AccessFile file) => new(
        file.DefaultLimits,
        [.. file.LimitedCallers.Select(entry => (entry.Members.Where(member => member.Grants).Select(member => member.ToString()).ToFrozenSet(StringComparer.Ordinal), entry.Limits))]);

    public CallerLimits Of(Caller caller)
    {
        var first = caller.IsAnonymous ? int.MaxValue : _first.GetValueOrDefault(Member.AllAuthenticatedUsers, int.MaxValue);
        foreach (var member in caller.Members)
        {
            first = Math.Min(first, _first.GetValueOrDefault(member, int.MaxValue));
        }

        return first == int.MaxValue ? Default : Entries[first].Quota;
    }
}

/// <summary>The quotas that count now: those of the access file in force.</summary>
internal sealed class QuotasInForce(SnapshotInForce inForce, ServerSettings settings)
{
    private volatile Compiled? _compiled;
    private volatile Instead? _instead;

    /// <summary>Null: nobody is limited, since nobody is told apart.</summary>
    public CallerQuotas? Current => _instead is { } instead ? instead.Quotas : (settings.RequiresCallers || settings.AccessFile is not null ? OfFile() : null);

    /// <summary>For tests: these count, whatever the file says.</summary>
    internal void Replace(CallerQuotas? quotas) => _instead = new Instead(quotas);

    /// <summary>Made anew only where the file is another one: a change of an IAM policy leaves them as they are.</summary>
    private CallerQuotas OfFile()
    {
        var file = inForce.Current?.Snapshot.Access?.File ?? AccessFile.Empty;
        if (_compiled is not { } compiled || !ReferenceEquals(compiled.File, file))
        {
            _compiled = compiled = new Compiled(file, CallerQuotas.Of(file));
        }

        return compiled.Quotas;
    }

    private sealed record Instead(CallerQuotas? Quotas);

    private sealed record Compiled(AccessFile File, CallerQuotas Quotas);
}
