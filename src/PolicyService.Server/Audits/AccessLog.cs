using System.Collections.Concurrent;
using PolicyService.Core.Access;
using PolicyService.Server.Decisions;
using Prometheus;

namespace PolicyService.Server.Audits;

/// <summary>Records who changed access, and counts who was refused and what grants are used for.</summary>
public sealed class AccessLog
{
    /// <summary>Uses remembered of one day; beyond them none is recorded, and the metric says how many were not.</summary>
    private const int MaxUses = 100_000;

    private readonly DecisionLog _log;
    private readonly TimeProvider _time;
    private readonly Counter _denied;
    private readonly Counter.Child _forgotten;
    private Day _today = new(default);

    public AccessLog(DecisionLog log, CollectorRegistry registry, TimeProvider time)
    {
        (_log, _time) = (log, time);
        var factory = Metrics.WithCustomRegistry(registry);
        _denied = factory.CreateCounter("policyservice_access_denied_total", "Requests and messages refused for want of a permission.", "permission");
        _forgotten = factory.CreateCounter("policyservice_access_uses_unrecorded_total", "First uses of a grant on a day that were not recorded: there were too many, or the records wait.").WithLabels();
        foreach (var permission in Permissions.All)
        {
            _denied.WithLabels(permission);
        }
    }

    /// <summary>Records cannot be written now: then nobody may change access.</summary>
    public bool IsFailing => _log.IsFailing;

    /// <summary>Records a change that somebody made, on disk before this returns.</summary>
    /// <exception cref="AuditUnavailableException">It could not be recorded in time; the change stands, and is recorded as soon as that is possible.</exception>
    public ValueTask ChangedAsync(string author, string resource, string version, HashSet<AccessEntry> before, HashSet<AccessEntry> after, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        return _log.RecordAsync(AccessChangeRecord.Between(now, author, resource, version, before, after), Deadline.Of(now, null), cancellation);
    }

    /// <summary>Hands over the record of a change for which nobody waits.</summary>
    /// <returns>False: too many records wait; try again later.</returns>
    public bool TryChanged(AccessChangeRecord record) => _log.TryRecord(record);

    /// <summary>A permission was missing.</summary>
    public void Denied(string permission) => _denied.WithLabels(Permissions.All.Contains(permission) ? permission : "other").Inc();

    /// <summary>A grant let somebody through.</summary>
    public void Used(string caller, AccessGrant grant)
    {
        var now = _time.GetUtcNow();
        var today = _today;
        if (today.Date != now.UtcDateTime.Date)
        {
            // Two at once may both begin the day: then something is recorded twice.
            _today = today = new Day(now.UtcDateTime.Date);
        }

        if (today.Uses.ContainsKey((caller, grant)))
        {
            return;
        }

        if (today.Count >= MaxUses || !today.Uses.TryAdd((caller, grant), true))
        {
            _forgotten.Inc(today.Count >= MaxUses ? 1 : 0);
            return;
        }

        today.Add();
        if (!_log.TryRecord(new AccessUsedRecord(now, caller, grant)))
        {
            // The next use is the first one then.
            _forgotten.Inc();
            today.Forget((caller, grant));
        }
    }

    private sealed class Day(DateTime date)
    {
        private int _count;

        public DateTime Date => date;

        public ConcurrentDictionary<(string Caller, AccessGrant Grant), bool> Uses { get; } = [];

        /// <summary>How many there are; the dictionary itself counts slowly.</summary>
        public int Count => Volatile.Read(ref _count);

        public void Add() => Interlocked.Increment(ref _count);

        public void Forget((string Caller, AccessGrant Grant) use) => Interlocked.Add(ref _count, Uses.TryRemove(use, out _) ? -1 : 0);
    }
}
