using System.Globalization;
using System.Security.Cryptography;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Processes;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>
/// Twice of what the service can do, on a fixed schedule, by a greedy caller and a modest one. Each request costs a verification with a key of P-521,
/// some 0.4 ms: whoever asks has the same machine, and could not ask for twice of what costs the service little.
/// </summary>
internal static class OverloadScenario
{
    public static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(500);

    /// <summary>What is asked for, against what the service can do.</summary>
    private const double Load = 2;

    /// <summary>The modest caller's part of what the service can do.</summary>
    private const double Modest = 0.05;

    /// <summary>A service takes a hundred calls on each: with fewer the rest would wait where nobody sees it.</summary>
    private const int GreedyConnections = 32;

    private const int Genuine = 50;
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);

    public static async Task<PreparedScenario> PrepareAsync(TestBed bed, CancellationToken cancellation)
    {
        TestImage[] images = [.. Enumerable.Range(0, bed.Plan.ColdImages).Select(number => new TestImage(number))];
        var (tokens, key) = (new TestTokens(), SigningKey.P521());
        var folder = new TemporaryFolder();
        var served = await ServedDocuments.StartAsync(
            key,
            (documents, _) =>
            {
                documents.WriteProject(key);
                documents.WriteAttestations(images, (image, payload) => image.Number % Genuine == 0 ? key.Sign(payload) : Forged(image), key.Id);
            },
            StartTime, bed.Time, cancellation, tokens.Flags(folder.Path));
        var questions = new RepeatedQuestions([.. images.Select(image => image.Ask(image.Number % Genuine == 0 ? Verdict.Allow : Verdict.Deny))]);
        var server = served.Server;
        var everybody = bed.Connect(server.Grpc, bed.Plan.Connections, tokens.Header("everybody", bed.Time.GetUtcNow()));
        return new(new Side(server, [.. Callers(everybody).SelectMany(caller => Enumerable.Repeat(caller, bed.Plan.Streams))]))
        {
            Afterwards = (capacity, tally, ending) => new Overload(Connect("modest", 2), Connect("greedy", GreedyConnections), bed).RunAsync(capacity * Modest, capacity * Load, capacity, tally, ending),
            Owned = [new Owned(folder), new Owned(tokens), served],
        };

        IReadOnlyList<ICaller> Connect(string subject, int connections) => Callers(bed.Connect(
            server.Grpc, connections, tokens.Header(subject, bed.Time.GetUtcNow()), ("grpc-timeout", string.Create(CultureInfo.InvariantCulture, $"{Deadline.TotalMilliseconds:0}m"))));

        IReadOnlyList<ICaller> Callers(IReadOnlyList<Http2Connection> connections) => [.. connections.Select(connection => new UnaryCaller(connection, questions, bed.Time))];
    }

    /// <summary>Two numbers of 65 bytes in DER: below the order of the curve, so that they are computed with before they are refused.</summary>
    private static byte[] Forged(TestImage image)
    {
        byte[] signature = [0x30, 0x81, 0x86, .. Number(0), .. Number(1)];
        return signature;

        IEnumerable<byte> Number(byte which)
        {
            var hash = SHA512.HashData([.. BitConverter.GetBytes(image.Number), which]);
            // The first byte neither zero nor negative.
            return [0x02, 0x41, 0x40, .. hash];
        }
    }
}
