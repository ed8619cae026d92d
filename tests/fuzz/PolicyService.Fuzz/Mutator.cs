using System.Text;

namespace PolicyService.Fuzz;

/// <summary>Seeds, damaged: the number of a mutation alone decides what it is, on every machine.</summary>
public sealed class Mutator(FuzzTarget target)
{
    private const int MaxLength = 16 * 1024;
    private const int MaxSteps = 5;

    private static readonly byte[] Odd = [0, 1, 0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xFE, 0xFF];

    private readonly IReadOnlyList<Seed> _seeds = target.Seeds;
    private readonly byte[][] _tokens = [.. target.Tokens.Select(Encoding.UTF8.GetBytes)];

    public byte[] Mutate(int number)
    {
        var random = new Random(number);
        var input = Any(random);
        for (var steps = random.Next(1, MaxSteps + 1); steps > 0; steps--)
        {
            input = Step(input, random);
        }

        return input.Length <= MaxLength ? input : input[..MaxLength];
    }

    private byte[] Step(byte[] input, Random random)
    {
        var (start, end) = Range(input, random);
        switch (random.Next(10))
        {
            case 0 when input.Length > 0: // one bit
                var flipped = input.ToArray();
                flipped[random.Next(input.Length)] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 1 when input.Length > 0: // one byte
                var changed = input.ToArray();
                changed[random.Next(input.Length)] = random.Next(2) == 0 ? Odd[random.Next(Odd.Length)] : (byte)random.Next(256);
                return changed;
            case 2:
                return input[..start];
            case 3: // a part removed
                return [.. input[..start], .. input[end..]];
            case 4: // a part again, once or often
                return [.. input[..end], .. Enumerable.Repeat(input[start..end], random.Next(8) == 0 ? 40 : 1).SelectMany(part => part), .. input[end..]];
            case 5: // a part of another seed
                var other = Any(random);
                var (from, to) = Range(other, random);
                return [.. input[..start], .. other[from..to], .. input[end..]];
            case 6: // the beginning of this, the end of another
                var tail = Any(random);
                return [.. input[..start], .. tail[random.Next(tail.Length + 1)..]];
            case 7: // a part somewhere else
                var moved = input[start..end];
                byte[] rest = [.. input[..start], .. input[end..]];
                var place = random.Next(rest.Length + 1);
                return [.. rest[..place], .. moved, .. rest[place..]];
            case 8:
                var bytes = new byte[random.Next(1, 9)];
                random.NextBytes(bytes);
                return [.. input[..start], .. bytes, .. input[start..]];
            default:
                var token = _tokens[random.Next(_tokens.Length)];
                return [.. input[..start], .. token, .. input[(random.Next(2) == 0 ? start : end)..]];
        }
    }

    private byte[] Any(Random random) => _seeds[random.Next(_seeds.Count)].Content;

    /// <summary>A short part more often than a long one.</summary>
    private static (int Start, int End) Range(byte[] input, Random random)
    {
        var start = random.Next(input.Length + 1);
        var most = Math.Min(input.Length - start, random.Next(4) == 0 ? input.Length : 24);
        return (start, start + random.Next(most + 1));
    }
}
