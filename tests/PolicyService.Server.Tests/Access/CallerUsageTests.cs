using System.Collections.Frozen;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>The bucket of a caller, by a clock that stands still.</summary>
public sealed class CallerUsageTests
{
    private static readonly CallerLimits Ten = new(10, 20, 3, 2);
    private static readonly Caller Alice = new("user:alice@example.com", ["user:alice@example.com", "group:staff"]);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_full_bucket_is_a_burst_and_then_the_rate_counts()
    {
        var usage = new CallerUsage(_time);
        Assert.Equal(20, TakeAll(usage, Ten));
        Assert.False(usage.TryTake(1, 0, Ten, out var retryAfter));
        Assert.Equal(TimeSpan.FromMilliseconds(100), retryAfter);

        _time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(0, TakeAll(usage, Ten));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, TakeAll(usage, Ten));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(20, TakeAll(usage, Ten));
    }

    [Fact]
    public void A_batch_larger_than_the_bucket_needs_it_full_and_is_paid_in_full()
    {
        var usage = new CallerUsage(_time);
        Assert.True(usage.TryTake(1, 0, Ten, out _));
        Assert.True(usage.TryTake(500, 1, Ten, out _));
        Assert.False(usage.TryTake(1, 0, Ten, out var retryAfter));
        Assert.Equal(TimeSpan.FromSeconds(48.1), retryAfter);

        _time.Advance(retryAfter);
        Assert.Equal(1, TakeAll(usage, Ten));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(usage.TryTake(500, 0, Ten, out retryAfter));
        Assert.Equal(TimeSpan.FromSeconds(1), retryAfter);
    }

    [Fact]
    public void A_change_of_the_quota_keeps_the_fill()
    {
        var usage = new CallerUsage(_time);
        var before = new CallerQuotas(Ten, []);
        Assert.Equal(20, TakeAll(usage, usage.QuotaOf(Alice, before)));

        // The bucket is as empty as it was, and fills twice as fast.
        var twice = usage.QuotaOf(Alice, new CallerQuotas(Ten with { RequestsPerSecond = 20 }, []));
        Assert.Equal(0, TakeAll(usage, twice));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(10, TakeAll(usage, twice));
    }

    [Fact]
    public void Each_request_has_the_quota_of_its_own_members()
    {
        var usage = new CallerUsage(_time);
        var staff = Ten with { RequestsPerSecond = 1000, Burst = 2000 };
        var quotas = new CallerQuotas(Ten, [(new[] { "group:staff" }.ToFrozenSet(StringComparer.Ordinal), staff)]);
        var former = new Caller(Alice.Name, [Alice.Name]);

        // Of one name, in whichever order they come.
        Assert.Equal(staff, usage.QuotaOf(Alice, quotas));
        Assert.Equal(Ten, usage.QuotaOf(former, quotas));
        Assert.Equal(staff, usage.QuotaOf(Alice, quotas));
        Assert.Equal(2000, TakeAll(usage, staff));
        Assert.Equal(0, TakeAll(usage, usage.QuotaOf(former, quotas)));
    }

    [Fact]
    public void Places_are_counted_apart_for_requests_and_streams()
    {
        var usage = new CallerUsage(_time);
        Assert.Equal(3, Enumerable.Range(0, 9).Count(_ => usage.TryEnter(isStream: false, Ten)));
        Assert.Equal(2, Enumerable.Range(0, 9).Count(_ => usage.TryEnter(isStream: true, Ten)));
        usage.Leave(isStream: true);
        Assert.True(usage.TryEnter(isStream: true, Ten));
        Assert.False(usage.TryEnter(isStream: false, Ten));
    }

    [Fact]
    public void The_first_entry_that_names_a_member_counts()
    {
        var (staff, everybody) = (Ten with { Burst = 1 }, Ten with { Burst = 2 });
        var quotas = new CallerQuotas(Ten, [(Set("user:bob@example.com"), Ten with { Burst = 3 }), (Set("group:staff"), staff), (Set("allAuthenticatedUsers"), everybody)]);

        Assert.Equal(staff, quotas.Of(Alice));
        Assert.Equal(everybody, quotas.Of(new Caller("x", ["x"])));
        Assert.Equal(Ten, quotas.Of(Caller.Anonymous));

        static FrozenSet<string> Set(string member) => new[] { member }.ToFrozenSet(StringComparer.Ordinal);
    }

    [Fact]
    public void Callers_in_memory_are_bounded_and_those_at_work_are_not_forgotten()
    {
        var usages = new CallerUsages(_time);
        var busy = usages.Of("busy");
        Assert.True(busy.TryEnter(isStream: true, Ten));
        for (var number = 0; number < (3 * Limits.Callers) + 1; number++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            usages.Of($"caller {number}");
            Assert.InRange(usages.Count, 1, Limits.Callers);
        }

        Assert.Same(busy, usages.Of("busy"));
        // All at work: the newest share one bucket.
        var full = new CallerUsages(_time);
        for (var number = 0; number < Limits.Callers; number++)
        {
            full.Of($"caller {number}").TryEnter(isStream: false, Ten);
        }

        Assert.Same(full.Of("one more"), full.Of("two more"));
        Assert.Equal(Limits.Callers, full.Count);
    }

    [Fact]
    public async Task Many_at_once_take_no_more_than_there_is()
    {
        var usage = new CallerUsage(_time);
        var quota = new CallerLimits(1, 1000, 1, 1);
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => TakeAll(usage, quota))));

        Assert.Equal(1000, taken.Sum());
    }

    private static int TakeAll(CallerUsage usage, CallerLimits quota)
    {
        var taken = 0;
        while (usage.TryTake(1, 0, quota, out _))
        {
            taken++;
        }

        return taken;
    }
}
