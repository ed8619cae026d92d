using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Core.Decisions;
using PolicyService.Server.Access;
using PolicyService.Server.Audits;
using Prometheus;

namespace PolicyService.Server.Endpoints;

/// <summary>Records what happened on clusters: each finding is on disk before the answer says so.</summary>
public sealed class FindingReports
{
    /// <summary>Seconds of the first and the last time that a <c>google.protobuf.Timestamp</c> may tell.</summary>
    private const long FirstSecond = -62_135_596_800;
    private const long LastSecond = 253_402_300_799;

    private readonly ClusterGate _gate;
    private readonly EvaluationGate _evaluations;
    private readonly DecisionLog _log;
    private readonly TimeProvider _time;
    private readonly Dictionary<FindingKind, Counter.Child> _recorded;

    public FindingReports(ClusterGate gate, EvaluationGate evaluations, DecisionLog log, CollectorRegistry registry, TimeProvider time)
    {
        (_gate, _evaluations, _log, _time) = (gate, evaluations, log, time);
        var counter = Metrics.WithCustomRegistry(registry).CreateCounter("policyservice_findings_total", "Findings of clusters that were recorded.", "kind");
        _recorded = Enum.GetValues<FindingKind>().Where(kind => NameOf(kind).Length > 0).ToDictionary(kind => kind, kind => counter.WithLabels(NameOf(kind)));
    }

    /// <exception cref="RpcException">None of the findings counts as recorded.</exception>
    public async Task<ReportFindingsResponse> RecordAsync(ReportFindingsRequest request, ServerCallContext context)
    {
        var (caller, version) = (context.GetHttpContext().Caller(), _evaluations.Version);
        var grants = _gate.Check(request.Cluster, request.Project, caller, version);
        if (!version.Snapshot.TryFindProject(request.Cluster, request.Project, out var project, out var problem))
        {
            throw ClusterGate.Invalid(RequestProblem.Of("project", request.Project, problem));
        }

        if (request.Findings.Count > Limits.Findings)
        {
            throw ClusterGate.Invalid(new RequestProblem("findings", $"findings: more than {Limits.Findings}: report them in several messages"));
        }

        // A line of the records each, like the images of a batch.
        if (context.GetHttpContext().Features.Get<RequestAllowance>()?.TakeBatch(request.Findings.Count) is { } refusal)
        {
            throw LimitAnswer.ToException(refusal);
        }

        var deadline = _evaluations.DeadlineOf(context.Deadline);
        try
        {
            var results = await Task.WhenAll(request.Findings.Select(finding => RecordAsync(request.Cluster, project, finding, grants, caller, deadline, context.CancellationToken)));
            return new ReportFindingsResponse { Results = { results } };
        }
        catch (AuditUnavailableException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the findings could not be recorded in time: report them again"));
        }
    }

    private async Task<FindingResult> RecordAsync(
        string cluster, string project, Finding finding, CallerGrants grants, Caller caller, Decisions.Deadline deadline, CancellationToken cancellation)
    {
        if (ProblemOf(finding) is { } problem)
        {
            // The id says which; one that is none is not sent back.
            return new FindingResult { Id = problem.Field == "id" ? "" : finding.Id, Problem = problem.Message };
        }

        (string, string)[] details =
        [
            ("image", finding.Image), ("namespace", finding.Namespace), ("serviceAccount", finding.ServiceAccount), ("objectKind", finding.ObjectKind),
            ("objectName", finding.ObjectName), ("operation", finding.Operation), ("user", finding.User), ("cause", finding.Cause),
        ];
        var isGranted = finding.Kind is not FindingKind.BreakGlass || grants.BreakGlass;
        var record = new FindingRecord(finding.Id, finding.Time.ToDateTimeOffset(), NameOf(finding.Kind), cluster, project, details, isGranted, caller.Name, _time.GetUtcNow());
        await _log.RecordAsync(record, deadline, cancellation);
        _recorded[finding.Kind].Inc();
        return new FindingResult { Id = finding.Id };
    }

    private static RequestProblem? ProblemOf(Finding finding) =>
        !Guid.TryParseExact(finding.Id, "D", out _) ? RequestProblem.Of("id", finding.Id, "write a UUID")
        : finding.Time is not { Seconds: >= FirstSecond and <= LastSecond, Nanos: >= 0 and < 1_000_000_000 } ? new RequestProblem("time", "time: it is missing, or no time")
        : NameOf(finding.Kind).Length == 0 ? new RequestProblem("kind", "kind: it is missing, or one this version does not know")
        : finding.Image.Length == 0 ? new RequestProblem("image", "image: it is missing")
        : RequestParser.Limit("image", finding.Image, Limits.LongStringBytes)
            ?? RequestParser.Limit("namespace", finding.Namespace, Limits.StringBytes)
            ?? RequestParser.Limit("service_account", finding.ServiceAccount, Limits.StringBytes)
            ?? RequestParser.Limit("object_kind", finding.ObjectKind, Limits.StringBytes)
            ?? RequestParser.Limit("object_name", finding.ObjectName, Limits.LongStringBytes)
            ?? RequestParser.Limit("operation", finding.Operation, Limits.StringBytes)
            ?? RequestParser.Limit("user", finding.User, Limits.LongStringBytes)
            ?? RequestParser.Limit("cause", finding.Cause, Limits.LongStringBytes);

    /// <summary>Empty: no kind that can be recorded.</summary>
    private static string NameOf(FindingKind kind) => kind switch
    {
        FindingKind.BreakGlass => "BREAK_GLASS",
        FindingKind.FailedOpen => "FAILED_OPEN",
        FindingKind.Posture => "POSTURE",
        FindingKind.Refused => "REFUSED",
        _ => "",
    };
}
