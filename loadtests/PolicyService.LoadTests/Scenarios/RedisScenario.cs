using System.Globalization;
using System.Security.Cryptography;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Measuring;
using PolicyService.LoadTests.Processes;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>
/// A second replica: its evidence lies in Redis, sealed by the first, which fetched it from Container Analysis. Each request costs one read of
/// Redis and one verification, since a replica believes nobody's.
/// </summary>
internal static class RedisScenario
{
    private const int HotImages = 100;
    private const int FillStep = 1000;
    private static readonly TimeSpan FillTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);

    public static async Task<PreparedScenario> PrepareAsync(TestBed bed, CancellationToken cancellation)
    {
        var owned = new List<IAsyncDisposable>();
        var isReady = false;
        try
        {
            var prepared = await PrepareAsync(bed, owned, cancellation);
            isReady = true;
            return prepared;
        }
        finally
        {
            if (!isReady)
            {
                await new PreparedScenario(new Side(null, [])) { Owned = owned }.DisposeAsync();
            }
        }
    }

    private static async Task<PreparedScenario> PrepareAsync(TestBed bed, List<IAsyncDisposable> owned, CancellationToken cancellation)
    {
        TestImage[] images = [.. Enumerable.Range(0, bed.Plan.RedisImages).Select(number => new TestImage(number))];
        using var attesting = SigningKey.P256();
        var attestor = attesting.AttestorDocument();
        var occurrences = images.AsParallel().ToDictionary(image => image.Digest.ToString(), image => RunDocuments.Occurrence(image, (_, payload) => attesting.Sign(payload), attesting.Id));
        var source = await ContainerAnalysisStandIn.StartAsync(occurrences, cancellation);
        owned.Add(source);
        var folder = new TemporaryFolder();
        owned.Add(new Owned(folder));
        var redis = await RedisProcess.StartAsync(folder.Path, bed.Time, cancellation);
        owned.Add(redis);
        var secret = folder.File("fleet-key");
        await File.WriteAllBytesAsync(secret, RandomNumberGenerator.GetBytes(64), cancellation);
        Question[] questions = [.. images.Select(image => image.Ask(Verdict.Allow))];

        var first = await ReplicaAsync();
        var tally = new Tally();
        var callers = bed.Unary(first.Server, new RepeatedQuestions(questions)).Callers;
        for (var asked = 0; asked < questions.Length; asked += FillStep)
        {
            // Step by step: what waits to be stored is bounded, and dropped beyond.
            await ClosedLoop.RunAsync(callers, TimeSpan.FromMinutes(5), FillStep, tally, bed.Time, cancellation);
            await redis.HoldsAsync(Math.Min(asked + FillStep, questions.Length), FillTime, bed.Time, cancellation);
        }

        if (!tally.IsClean)
        {
            throw new LoadTestException(ExitCodes.Failed, $"the first replica of cold-redis: {string.Join(", ", tally.Kinds.Select(kind => $"{kind.Value} × {kind.Key}").Concat(tally.Examples))}");
        }

        var held = await redis.CountAsync(cancellation);
        var second = await ReplicaAsync();
        var (cold, fetched) = (new RepeatedQuestions(questions[HotImages..]), source.Calls);
        return new(bed.Unary(second.Server, cold))
        {
            Hot = bed.Unary(second.Server, new RepeatedQuestions(questions[..HotImages])),
            SliceDecisions = bed.Plan.RedisDecisionsPerSlice,
            Notes = () => [string.Create(CultureInfo.InvariantCulture, $"{cold.Asked} requests, {questions.Length - HotImages} images, {held} values in Redis; {source.Calls - fetched} answers came from their source all the same")],
            Owned = owned,
        };

        async Task<ServedDocuments> ReplicaAsync()
        {
            var served = await ServedDocuments.StartAsync(
                SigningKey.P256(),
                (documents, key) =>
                {
                    documents.WriteProject(key);
                    documents.Write("attestors/build.json", attestor);
                    documents.Write("options.json", $$"""{"containerAnalysis": {"endpoint": "{{source.Url}}", "projects": ["{{RunDocuments.Project}}"]} }""");
                },
                StartTime, bed.Time, cancellation,
                "--Redis:Connection", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{redis.Port}"), "--Redis:FleetKeyFile", secret);
            owned.Add(served);
            return served;
        }
    }
}
