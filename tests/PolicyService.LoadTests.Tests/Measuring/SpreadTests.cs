using PolicyService.LoadTests.Measuring;

namespace PolicyService.LoadTests.Tests.Measuring;

public sealed class SpreadTests
{
    [Fact]
    public void Median_of_an_odd_number_is_the_middle_one() => Assert.Equal(new Spread(3, 1, 100), Spread.Of([100, 1, 3]));

    [Fact]
    public void Median_of_an_even_number_is_between_the_middle_ones() => Assert.Equal(new Spread(2.5, 1, 4), Spread.Of([4, 1, 3, 2]));

    [Fact]
    public void Nothing_has_no_median() => Assert.Throws<ArgumentException>(() => Spread.Of([]));
}
