using Grpc.Core;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Processes;
using PolicyService.LoadTests.Scenarios;

namespace PolicyService.LoadTests.Targets;

/// <summary>A service that somebody else runs. It is asked once first: load on something that is no PolicyService, or is not there, helps nobody.</summary>
internal static class DeployedTarget
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="LoadTestException">It cannot be reached, is no PolicyService, or does not decide what was expected.</exception>
    public static async Task<PreparedScenario> PrepareAsync(TestBed bed, Uri target, LoadTestArguments arguments, CancellationToken cancellation)
    {
        var request = new EvaluateRequest(new TestImage(0).Ask(Verdict.Allow).Request) { ImageDigest = arguments.Image, Cluster = arguments.Cluster };
        var first = await AskAsync(target, request, bed.Time, cancellation);
        if (DecisionGuard.Accept(request, first) != first)
        {
            throw new LoadTestException(ExitCodes.NoTarget, $"{target} is no PolicyService: {DecisionGuard.Accept(request, first).Reasons[0].Text}");
        }

        // What it decides is the operator's to say; that it always decides the same is ours to see.
        var questions = new RepeatedQuestions([new Question(request, arguments.Expected == default ? first.Verdict : arguments.Expected)]);
        return new PreparedScenario(new Side(null, bed.Lanes(target, connection => new UnaryCaller(connection, questions, bed.Time))));
    }

    private static async Task<EvaluateResponse> AskAsync(Uri target, EvaluateRequest request, TimeProvider time, CancellationToken cancellation)
    {
        using var channel = PolicyDecisionChannel.Open(target);
        try
        {
            return await new PolicyDecisionService.PolicyDecisionServiceClient(channel).EvaluateAsync(
                request, deadline: (time.GetUtcNow() + Patience).UtcDateTime, cancellationToken: cancellation);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new LoadTestException(ExitCodes.NoTarget, $"{target} cannot be reached: {exception.Status.Detail}");
        }
        catch (RpcException exception)
        {
            throw new LoadTestException(ExitCodes.NoTarget, $"{target} is no PolicyService that answers this caller: {exception.StatusCode}: {exception.Status.Detail}");
        }
    }
}
