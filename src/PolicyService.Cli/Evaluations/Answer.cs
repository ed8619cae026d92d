using Grpc.Core;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Core.Manifests;

namespace PolicyService.Cli.Evaluations;

/// <summary>What became of one image: a decision, or the denial that stands where there is none.</summary>
/// <param name="Response">The decision as <see cref="DecisionGuard"/> accepted it.</param>
/// <param name="ExitCode">What it means for a pipeline.</param>
/// <param name="Problem">Why there is no decision, for people; null where there is one.</param>
internal sealed record Answer(EvaluateResponse Response, int ExitCode, string? Problem)
{
    /// <summary>Which workload of a manifest the image is for; null for an image of the command line.</summary>
    public ManifestImage? Manifest { get; init; }

    public static Answer Of(EvaluateRequest request, EvaluateResponse? response)
    {
        var accepted = DecisionGuard.Accept(request, response);
        return new Answer(accepted, ExitCodes.Of(accepted), null);
    }

    /// <summary>No decision, with the status that said so.</summary>
    public static Answer None(EvaluateRequest request, StatusCode status, string problem) => new(
        DecisionGuard.Refuse(request, StatusName.Of(status), problem),
        status is StatusCode.InvalidArgument ? ExitCodes.Usage : ExitCodes.NoDecision,
        problem);
}
