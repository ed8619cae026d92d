using System.Collections.Concurrent;
using System.Globalization;
using PolicyService.Server.Decisions;

namespace PolicyService.Server.Tests.Decisions;

public sealed class DecisionIdsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);

    [Fact]
    public void Id_is_a_uuid_of_version_7_with_the_time_in_front()
    {
        for (var round = 0; round < 1000; round++)
        {
            var text = DecisionIds.Next(Now);

            var id = Guid.ParseExact(text, "D");
            Assert.Equal((7, text), (id.Version, id.ToString()));
            Assert.InRange(id.Variant, 0x8, 0xB);
            var time = long.Parse(text[..8] + text[9..13], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Assert.Equal(Now.ToUnixTimeMilliseconds(), time);
            Assert.Equal(Guid.CreateVersion7(Now).ToString()[..15], text[..15]);
        }
    }

    /// <summary>Every bit that neither time nor version nor variant needs is seen as 0 and as 1.</summary>
    [Fact]
    public void All_other_bits_are_random()
    {
        var (ones, zeros) = (UInt128.Zero, UInt128.Zero);
        for (var round = 0; round < 1000; round++)
        {
            var bits = UInt128.Parse(DecisionIds.Next(Now).Replace("-", "", StringComparison.Ordinal), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            ones |= bits;
            zeros |= ~bits;
        }

        Assert.Equal(new UInt128(0x0000_0000_0000_0FFF, 0x3FFF_FFFF_FFFF_FFFF), ones & zeros);
    }

    [Fact]
    public void Ids_of_several_threads_are_all_different()
    {
        var ids = new ConcurrentBag<string>();
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var round = 0; round < 20_000; round++)
            {
                ids.Add(DecisionIds.Next(Now));
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.Equal(80_000, ids.Distinct().Count());
    }

    [Fact]
    public void Ids_sort_by_time()
    {
        var ids = Enumerable.Range(0, 2000).Select(milliseconds => DecisionIds.Next(Now.AddMilliseconds(milliseconds * 7_654_321L))).ToArray();

        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }
}
