using System.Globalization;

namespace PolicyService.Fuzz.Tests;

/// <summary>A short run of every fuzz target, the same on every machine: its seeds, and mutations of them counted from zero.</summary>
public sealed class FuzzTests
{
    /// <summary>Mutations for each target: a few seconds of them all. Longer runs are for <c>PolicyService.Fuzz TARGET --mutations COUNT</c>.</summary>
    private const int Mutations = 4_000;

    /// <summary>For one input. It is no measure of speed: only what never ends takes so long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory, MemberData(nameof(Targets))]
    public void Nothing_is_found_in_a_seed(string name)
    {
        var target = Target(name);

        Assert.NotEmpty(target.Seeds);
        RunAll(target, target.Seeds.Select(seed => (seed.Name, seed.Content)));
    }

    [Theory, MemberData(nameof(Targets))]
    public void Nothing_is_found_in_a_mutation(string name)
    {
        var mutator = new Mutator(Target(name));

        RunAll(Target(name), Enumerable.Range(0, Mutations).Select(number => (string.Create(CultureInfo.InvariantCulture, $"mutation-{number}"), mutator.Mutate(number))));
    }

    [Fact]
    public void Mutation_is_decided_by_its_number()
    {
        var (one, other) = (new Mutator(FuzzTarget.All[0]), new Mutator(FuzzTarget.All[0]));

        Assert.All(Enumerable.Range(0, 100), number => Assert.Equal(one.Mutate(number), other.Mutate(number)));
        Assert.True(Enumerable.Range(0, 100).Select(number => Convert.ToHexString(one.Mutate(number))).Distinct().Count() > 90);
    }

    private static FuzzTarget Target(string name) => FuzzTarget.All.Single(target => target.Name == name);

    /// <summary>On a thread of its own, so that an input on which a parser hangs is a failure with a name.</summary>
    private static void RunAll(FuzzTarget target, IEnumerable<(string Name, byte[] Input)> inputs)
    {
        (string Name, byte[] Input) current = default;
        var done = 0;
        Exception? found = null;
        var thread = new Thread(() =>
        {
            foreach (var input in inputs)
            {
                current = input;
                found = Record.Exception(() => target.Run(input.Input));
                Volatile.Write(ref done, done + 1);
                if (found is not null)
                {
                    return;
                }
            }
        })
        { IsBackground = true };
        thread.Start();
        for (var before = 0; !thread.Join(Patience); before = Volatile.Read(ref done))
        {
            if (Volatile.Read(ref done) == before)
            {
                Fail(target, current, $"no end after {Patience}");
            }
        }

        if (found is not null)
        {
            Fail(target, current, found.ToString());
        }
    }

    /// <summary>Says how to run the input again: from the file, or from the report where the file is gone.</summary>
    private static void Fail(FuzzTarget target, (string Name, byte[] Input) finding, string what)
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "findings")).FullName, $"{target.Name}-{finding.Name}");
        File.WriteAllBytes(file, finding.Input);
        Assert.Fail($"""
            {target.Name}, {finding.Name}: {what}
            dotnet run --project tests/fuzz/PolicyService.Fuzz -- {target.Name} {file}
            base64: {Convert.ToBase64String(finding.Input)}
            """);
    }
}
