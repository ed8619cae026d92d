using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

public sealed class SealTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CacheKey Name = CacheKey.Of("evidence", "a");
    private static readonly SealedValue Value = new(7, Now, TimeSpan.FromMinutes(5), "attestations"u8.ToArray());
    private readonly Seal _seal = new(Fleet.Key().Derive(FleetKeyPurpose.Evidence));

    [Fact]
    public void What_was_sealed_opens_as_it_was()
    {
        Assert.True(_seal.TryOpen(Name, "GRAFEAS", _seal.Close(Name, "GRAFEAS", Value), out var opened));

        Assert.Equal((Value.Generation, Value.FetchedAt, Value.Lifetime), (opened.Generation, opened.FetchedAt, opened.Lifetime));
        Assert.Equal(Value.Content.ToArray(), opened.Content.ToArray());
    }

    [Fact]
    public void One_bit_anywhere_closes_it()
    {
        var bytes = _seal.Close(Name, "GRAFEAS", Value);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(_seal.TryOpen(Name, "GRAFEAS", bytes, out _), $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Cut_or_lengthened_it_does_not_open()
    {
        var bytes = _seal.Close(Name, "GRAFEAS", Value);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(_seal.TryOpen(Name, "GRAFEAS", bytes.AsMemory(0, length), out _));
            Assert.False(_seal.TryOpen(Name, "GRAFEAS", bytes.AsMemory(bytes.Length - length), out _));
        }

        Assert.False(_seal.TryOpen(Name, "GRAFEAS", (byte[])[.. bytes, 0], out _));
        Assert.False(_seal.TryOpen(Name, "GRAFEAS", (byte[])[0, .. bytes], out _));
    }

    [Fact, Trait("attack", "88"), Trait("attack", "90")]
    public void Under_another_key_or_source_it_does_not_open()
    {
        var bytes = _seal.Close(Name, "GRAFEAS", Value);

        Assert.False(_seal.TryOpen(CacheKey.Of("evidence", "b"), "GRAFEAS", bytes, out _));
        Assert.False(_seal.TryOpen(CacheKey.Of("key", "a"), "GRAFEAS", bytes, out _));
        Assert.False(_seal.TryOpen(Name, "REGISTRY", bytes, out _));
        Assert.False(_seal.TryOpen(Name, "", bytes, out _));
    }

    [Fact]
    public void Another_fleet_or_purpose_does_not_open_it()
    {
        var bytes = _seal.Close(Name, "GRAFEAS", Value);

        Assert.False(new Seal(Fleet.Key(2).Derive(FleetKeyPurpose.Evidence)).TryOpen(Name, "GRAFEAS", bytes, out _));
        Assert.All(
            Enum.GetValues<FleetKeyPurpose>().Where(purpose => purpose is not FleetKeyPurpose.Evidence),
            purpose => Assert.False(new Seal(Fleet.Key().Derive(purpose)).TryOpen(Name, "GRAFEAS", bytes, out _)));
    }

    [Fact]
    public void Version_of_another_time_does_not_open()
    {
        // Sealed rightly, but as a future replica might: the form of what follows is unknown.
        var key = Fleet.Key().Derive(FleetKeyPurpose.Evidence);
        var bytes = new Seal(key).Close(Name, "GRAFEAS", Value);
        bytes[0] = 2;
        Resealed.Over(key, Name, "GRAFEAS", bytes);

        Assert.False(_seal.TryOpen(Name, "GRAFEAS", bytes, out _));

        bytes[0] = 1;
        Resealed.Over(key, Name, "GRAFEAS", bytes);
        Assert.True(_seal.TryOpen(Name, "GRAFEAS", bytes, out _));
    }

    [Theory]
    [InlineData(9, -1L)]
    [InlineData(9, long.MinValue)]
    [InlineData(9, long.MaxValue)]
    [InlineData(17, -1L)]
    [InlineData(17, long.MaxValue)]
    public void Time_that_is_none_does_not_open(int place, long number)
    {
        var key = Fleet.Key().Derive(FleetKeyPurpose.Evidence);
        var bytes = new Seal(key).Close(Name, "GRAFEAS", Value);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(place), number);
        Resealed.Over(key, Name, "GRAFEAS", bytes);

        Assert.False(_seal.TryOpen(Name, "GRAFEAS", bytes, out _));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(299_999, true)]
    [InlineData(300_000, false)]
    [InlineData(-5_000, true)]
    [InlineData(-5_001, false)]
    public void Value_is_current_from_its_fetch_to_its_end(int age, bool isCurrent) =>
        Assert.Equal(isCurrent, Value.IsCurrentAt(Now.AddMilliseconds(age)));

    [Theory]
    [InlineData(31)]
    [InlineData(0)]
    [InlineData(4097)]
    public void Fleet_key_of_another_length_is_refused(int length) =>
        Assert.Throws<ArgumentException>(() => new FleetKey(Enumerable.Range(0, length).Select(index => (byte)index).ToArray()));

    [Fact]
    public void Fleet_key_of_one_byte_over_and_over_is_refused() => Assert.Throws<ArgumentException>(() => new FleetKey(new byte[64]));

    [Fact]
    public void Fleet_key_never_shows_itself() => Assert.Equal("FleetKey", $"{Fleet.Key()}");
}
