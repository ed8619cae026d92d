using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core.Decisions;
using PolicyService.Server.Access;
using PolicyService.Server.Audits;
using PolicyService.Server.Decisions;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Endpoints;

/// <summary>The answer to one item: a response, or why there is none. Unary, batch, stream and REST all ask through here.</summary>
public readonly record struct ItemAnswer(EvaluateResponse? Response, Error? Error);

/// <summary>Takes one wire request through the decision point.</summary>
public sealed class EvaluationGate(PolicyDecisionPoint decisions, EvaluatorGate access, TimeProvider time)
{
    public PolicyVersion Version => decisions.Version;

    /// <summary>The caller's deadline, or the default.</summary>
    public Deadline DeadlineOf(DateTime asked) =>
        Deadline.Of(time.GetUtcNow(), asked == DateTime.MaxValue ? null : new DateTimeOffset(DateTime.SpecifyKind(asked, DateTimeKind.Utc)));

    public async ValueTask<ItemAnswer> AskAsync(EvaluateRequest? wire, Caller caller, PolicyVersion version, Deadline deadline, CancellationToken cancellation)
    {
        if (wire is null)
        {
            return Refused(new RequestProblem("request", "request: it is missing"));
        }

        // A guess that saves a copy of the request; what counts is what the gate says.
        var guess = caller.IsAnonymous ? CallerGrants.All : CallerGrants.None;
        if (RequestParser.Parse(wire, guess, out var problem) is not { } request)
        {
            return Refused(problem!);
        }

        if (access.Check(request, caller, version.Snapshot, out var refusal) is not { } grants)
        {
            return new ItemAnswer(null, new Error { Code = (int)StatusCode.PermissionDenied, Field = refusal!.Field, Message = refusal.Message });
        }

        try
        {
            var granted = request.Grants == grants ? request : request with { Grants = grants };
            return await decisions.DecideAsync(granted, version, caller.Name, deadline, cancellation) switch
            {
                DecisionOutcome.Decided decided => new ItemAnswer(ResponseWriter.Write(wire, decided.Decision, decided.DecisionId), null),
                DecisionOutcome.Invalid invalid => Refused(RequestProblem.Of(invalid.Field, wire.Project, invalid.Problem)),
                var other => throw new InvalidOperationException($"no outcome is {other}"),
            };
        }
        catch (AuditUnavailableException)
        {
            return new ItemAnswer(null, new Error { Code = (int)StatusCode.Unavailable, Message = "the decision could not be recorded in time, so there is none: ask again" });
        }
    }

    private static ItemAnswer Refused(RequestProblem problem) =>
        new(null, new Error { Code = (int)StatusCode.InvalidArgument, Field = problem.Field, Message = problem.Message });
}
