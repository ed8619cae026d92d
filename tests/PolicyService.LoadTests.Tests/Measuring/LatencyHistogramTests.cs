using PolicyService.LoadTests.Measuring;

namespace PolicyService.LoadTests.Tests.Measuring;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(0.5, 5000)]
    [InlineData(0.99, 9900)]
    [InlineData(0.999, 9990)]
    [InlineData(1, 10_000)]
    [InlineData(0, 1)]
    public void Percentile_is_the_nearest_rank_within_two_percent(double share, double microseconds)
    {
        var histogram = new LatencyHistogram();
        for (var value = 10_000; value > 0; value--)
        {
            histogram.Add(TimeSpan.FromMicroseconds(value));
        }

        Assert.Equal(microseconds / 1000, histogram.Percentile(share)!.Value, microseconds / 1000 * 0.02);
        Assert.Equal(10_000, histogram.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.0001)]
    [InlineData(1)]
    [InlineData(60_000)]
    [InlineData(86_400_000)]
    public void Percentile_holds_for_every_length(double milliseconds)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal(milliseconds, histogram.Percentile(0.5)!.Value, (milliseconds * 0.02) + 1e-6);
    }

    [Fact]
    public void Percentile_of_nothing_is_none() => Assert.Null(new LatencyHistogram().Percentile(0.5));

    [Fact]
    public void Add_of_another_counts_both()
    {
        var (short1, long1) = (new LatencyHistogram(), new LatencyHistogram());
        short1.Add(TimeSpan.FromMilliseconds(1));
        short1.Add(TimeSpan.FromMilliseconds(1));
        long1.Add(TimeSpan.FromMilliseconds(100));
        short1.Add(long1);

        Assert.Equal(3, short1.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(100), short1.Longest);
        Assert.Equal(100, short1.Percentile(0.99)!.Value, 2.0);
        Assert.Equal(1, short1.Percentile(0.5)!.Value, 0.02);
    }
}
