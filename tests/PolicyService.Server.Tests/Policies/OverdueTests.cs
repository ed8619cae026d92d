using PolicyService.Core.Policies;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Tests.Policies;

public sealed class OverdueTests
{
    private static readonly DateTimeOffset Read = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(false, 0, false)]
    [InlineData(false, 3, false)]
    [InlineData(false, 3.5, true)]
    [InlineData(true, 0, true)]
    public void Source_that_was_not_looked_at_for_long_is_stale_whatever_it_said(bool saidSo, double seconds, bool isStale)
    {
        var version = new PolicyVersion(PolicySnapshot.Build(new DocumentSet(), 1), Read, saidSo, []);

        var age = version.AgeAt(Read.AddSeconds(seconds));

        Assert.Equal((isStale, TimeSpan.FromSeconds(seconds), Read), (age.IsStale, age.Age, age.ReadAt));
    }
}
