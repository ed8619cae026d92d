using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Evidence;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Verification;
using PolicyService.Server.Endpoints;

namespace PolicyService.Cli.Evaluations;

/// <summary>
/// Asks the engine in this process: the hops of a server over documents that were read once. Whoever can run it can do what its
/// grants allow, so the local user holds all of them. Nothing is recorded.
/// </summary>
internal sealed class LocalAsker(DocumentSet documents, DateTimeOffset at, PublicKeyCache keys)
{
    private readonly PolicySnapshot _snapshot = PolicySnapshot.Build(documents, generation: 1);
    private readonly EvidenceCollector _collector = new(new VerifiedSignatures(), keys);

    public async Task<IReadOnlyList<Answer>> AskAsync(IReadOnlyList<EvaluateRequest> requests, CancellationToken cancellation)
    {
        var answers = new List<Answer>(requests.Count);
        foreach (var request in requests)
        {
            // The same words as over a server, which names the image only where it was asked about several.
            answers.Add(await AskAsync(request, requests.Count == 1 ? "invalid input" : $"no decision about {request.ImageDigest}", cancellation));
        }

        return answers;
    }

    private async ValueTask<Answer> AskAsync(EvaluateRequest wire, string refusal, CancellationToken cancellation)
    {
        if (RequestParser.Parse(wire, CallerGrants.All, out var problem) is not { } request)
        {
            return Refused(problem!);
        }

        var selected = _snapshot.Select(request, new SnapshotAge(IsStale: false, TimeSpan.Zero, at));
        if (selected is SelectionResult.Invalid invalid)
        {
            return Refused(RequestProblem.Of(invalid.Field, wire.Project, invalid.Problem));
        }

        var selection = ((SelectionResult.Selected)selected).Selection;
        var evidence = await _collector.CollectAsync(_snapshot, selection, at, storeVersion: 0, caller: "", at, cancellation);
        cancellation.ThrowIfCancellationRequested();
        return Answer.Of(wire, ResponseWriter.Write(wire, Evaluator.Evaluate(selection, evidence, at), Guid.CreateVersion7(at).ToString()));

        Answer Refused(RequestProblem problem) => Answer.None(wire, StatusCode.InvalidArgument, $"{refusal}: {problem.Message}");
    }
}
