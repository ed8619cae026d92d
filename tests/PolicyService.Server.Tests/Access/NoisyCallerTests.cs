using System.Collections.Concurrent;
using System.Globalization;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Core.Access;
using PolicyService.Core.Images;
using PolicyService.Evidence.Grafeas;
using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>One caller at full speed and another one who asks now and then: the second is never refused and not kept waiting.</summary>
public sealed class NoisyCallerTests : IDisposable
{
    private const int Asked = 200;

    private readonly Signer _signer = new();
    private int _digests;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_quiet_caller_is_served_beside_a_noisy_one()
    {
        var documents = DocumentsFolder.Standard(_signer);
        await using var server = await TestCallers.StartAsync(
            new CallerQuotas(new CallerLimits(200, 400, 64, 16), []), documents: documents, more: ["--Store:Path", documents.Beside("store.db")]);
        using var quietly = server.Connect();
        var quiet = new PolicyDecisionService.PolicyDecisionServiceClient(quietly);
        await MeasureAsync(quiet);
        var alone = await MeasureAsync(quiet);

        using var loudly = server.Connect();
        var noisy = new PolicyDecisionService.PolicyDecisionServiceClient(loudly);
        var (limited, refused, answered) = await BesideNoiseAsync(noisy, () => MeasureAsync(quiet));
        server.Services.GetRequiredService<QuotasInForce>().Replace(null);
        var (unlimited, _, more) = await BesideNoiseAsync(noisy, () => MeasureAsync(quiet));

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{Asked} requests of the quiet caller, each for a new digest: alone {Show(alone)}; beside 48 of a noisy one at a time with limits {Show(limited)} (the noisy one: {answered} answered, {refused} refused); without limits {Show(unlimited)} ({more} answered)");
        Assert.True(refused > 0, "the noisy caller was never refused");
        Assert.Equal(refused, (await server.MetricsAsync()).Sum("policyservice_caller_limit_total", "outcome=\"rate\""));
    }

    [Fact]
    public async Task The_source_of_evidence_is_told_for_whom_it_is_asked()
    {
        var source = new Asking();
        var documents = DocumentsFolder.Standard(_signer);
        await using var server = await TestCallers.StartAsync(
            null, documents: documents, configure: services => services.AddSingleton<IOccurrenceSource>(source), more: ["--Store:Path", documents.Beside("store.db")]);
        await server.Client.EvaluateAsync(Ask.For(Next()), TestCallers.As("quiet"), cancellationToken: Cancellation);
        await server.Client.EvaluateAsync(Ask.For(Next()), TestCallers.As("noisy"), cancellationToken: Cancellation);

        Assert.Equal(["quiet", "noisy"], source.Callers);
    }

    public void Dispose() => _signer.Dispose();

    private static string Show(double[] milliseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"p50 {milliseconds[milliseconds.Length / 2]:0.00} ms, p99 {milliseconds[milliseconds.Length * 99 / 100]:0.00} ms");

    private async Task<double[]> MeasureAsync(PolicyDecisionService.PolicyDecisionServiceClient quiet)
    {
        var taken = new List<double>();
        for (var number = 0; number < Asked; number++)
        {
            var started = TimeProvider.System.GetTimestamp();
            // A refusal would be an exception. Within its own rate.
            var answer = await quiet.EvaluateAsync(Ask.For(Next()), TestCallers.As("quiet"), cancellationToken: Cancellation);
            Assert.Equal((Verdict.Deny, Api.V1.Conformance.NonConformant), (answer.Verdict, answer.Conformance));
            taken.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(6), TimeProvider.System, Cancellation);
        }

        return [.. taken.Order()];
    }

    private async Task<(double[] Measured, int Refused, int Answered)> BesideNoiseAsync(PolicyDecisionService.PolicyDecisionServiceClient noisy, Func<Task<double[]>> measure)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var (refused, answered) = (0, 0);
        var noise = Enumerable.Range(0, 48).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    await noisy.EvaluateAsync(Ask.For(Next()), TestCallers.As("noisy"), cancellationToken: CancellationToken.None);
                    Interlocked.Increment(ref answered);
                }
                catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        })).ToArray();
        var measured = await measure();
        await end.CancelAsync();
        await Task.WhenAll(noise);
        return (measured, refused, answered);
    }

    /// <summary>An image nobody has asked about, so that nothing about it is in memory.</summary>
    private string Next() => string.Create(CultureInfo.InvariantCulture, $"gcr.io/acme/api@sha256:{Interlocked.Increment(ref _digests):x64}");

    /// <summary>Has nothing, and remembers who asked.</summary>
    private sealed class Asking : IOccurrenceSource
    {
        private readonly ConcurrentQueue<string> _callers = new();

        public IReadOnlyCollection<string> Callers => _callers;

        public bool HasAnswered(TimeSpan within) => true;

        public Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> ReadAsync(
            Digest digest, IReadOnlyCollection<OccurrenceParent> parents, string caller, CancellationToken cancellation)
        {
            _callers.Enqueue(caller);
            return Task.FromResult<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>>(new Dictionary<OccurrenceParent, ParentOccurrences>());
        }
    }
}
