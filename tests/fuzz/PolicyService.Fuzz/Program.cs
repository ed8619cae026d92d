using System.Globalization;
using PolicyService.Fuzz;
using SharpFuzz;

if (args is not [var name, .. var rest] || FuzzTarget.All.FirstOrDefault(target => target.Name == name) is not { } target)
{
    return Usage();
}

// A finding leaves as an exception everywhere: that is what a fuzzer takes for a crash.
switch (rest)
{
    case ["--mutations", var text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count):
        RunMutations(target, count);
        break;
    case [var file] when !file.StartsWith('-'):
        target.Run(File.ReadAllBytes(file));
        break;
    case [] when Environment.GetEnvironmentVariable("__AFL_SHM_ID") is not null:
        Fuzzer.OutOfProcess.Run(stream => target.Run(ReadToEnd(stream)));
        break;
    case [] when Environment.GetEnvironmentVariable("__LIBFUZZER_SHM_ID") is not null:
        Fuzzer.LibFuzzer.Run(input => target.Run(input.ToArray()));
        break;
    case []:
        target.Run(ReadToEnd(Console.OpenStandardInput()));
        break;
    default:
        return Usage();
}

Console.WriteLine("nothing found");
return 0;

static void RunMutations(FuzzTarget target, int count)
{
    var mutator = new Mutator(target);
    for (var number = 0; number < count; number++)
    {
        var input = mutator.Mutate(number);
        try
        {
            target.Run(input);
        }
        catch
        {
            var file = $"{target.Name}-{number}.bin";
            File.WriteAllBytes(file, input);
            Console.Error.WriteLine($"mutation {number} is a finding; it is in {file}");
            throw;
        }
    }
}

static int Usage()
{
    Console.Error.WriteLine($"""
        usage: PolicyService.Fuzz TARGET [FILE | --mutations COUNT]
        Without either the input is stdin, or comes from afl-fuzz or libFuzzer.
        targets: {string.Join(' ', FuzzTarget.All.Select(target => target.Name))}
        """);
    return 2;
}

static byte[] ReadToEnd(Stream stream)
{
    using var bytes = new MemoryStream();
    stream.CopyTo(bytes);
    return bytes.ToArray();
}
