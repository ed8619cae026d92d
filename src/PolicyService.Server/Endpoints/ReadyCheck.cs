using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;
using PolicyService.Server.Access;
using PolicyService.Server.Audits;
using PolicyService.Server.Keys;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// Ready: documents are in force and decisions can be recorded. Problems of documents show in the detail and do not take the
/// service away: the last good versions decide.
/// </summary>
public sealed class ReadyCheck(SnapshotInForce inForce, DecisionLog log, IHostApplicationLifetime lifetime) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var reason = inForce.Current is null ? "no documents were read yet"
            : log.IsFailing ? "decision records cannot be written"
            : lifetime.ApplicationStopping.IsCancellationRequested ? "the service is shutting down"
            : null;
        return Task.FromResult(reason is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(reason));
    }
}

/// <summary>The body of <c>/healthz/ready</c>.</summary>
public static class ReadyDetail
{
    public static Task WriteAsync(HttpContext context, HealthReport report)
    {
        // Whoever has not said who they are learns what a load balancer needs, and nothing of projects, files and keys.
        if (context.Caller().IsUnauthenticated)
        {
            return context.Response.WriteAsJsonAsync(new { status = StatusOf(report) }, JsonSerializerOptions.Web, context.RequestAborted);
        }

        var version = context.RequestServices.GetRequiredService<SnapshotInForce>().Current;
        var detail = new
        {
            status = StatusOf(report),
            reasons = report.Entries.Values.Select(entry => entry.Description).OfType<string>().ToArray(),
            access = context.RequestServices.GetRequiredService<AccessProblems>().All.OrderBy(problem => problem.Key, StringComparer.Ordinal)
                .Select(problem => new { subject = problem.Key, problem = problem.Value }).ToArray(),
            keys = Keys(context.RequestServices.GetRequiredService<PublicKeyCache>()),
            documents = version is null ? null : new
            {
                generation = version.Snapshot.Generation,
                readAt = version.ReadAt,
                stale = version.AgeAt(context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()).IsStale,
                projects = version.Snapshot.Projects.Keys.Order(StringComparer.Ordinal).ToArray(),
                problems = version.Problems.Select(problem => new
                {
                    file = problem.File,
                    line = problem.Mark.Line,
                    column = problem.Mark.Column,
                    severity = problem.Severity is ProblemSeverity.Error ? "error" : "warning",
                    message = problem.Message,
                    remedy = problem.Remedy,
                }).ToArray(),
            },
            // Ready all the same: without Redis the service is slower, never wrong.
            redis = context.RequestServices.GetService<RedisLink>() is { } link ? new { state = NameOf(link.State), degraded = link.State is not RedisState.Up } : null,
        };
        return context.Response.WriteAsJsonAsync(detail, JsonSerializerOptions.Web, context.RequestAborted);
    }

    private static string StatusOf(HealthReport report) => report.Status is HealthStatus.Healthy ? "ready" : "not ready";

    /// <summary>The KMS keys that somebody should look at; they do not take the service away.</summary>
    private static object[] Keys(PublicKeyCache keys)
    {
        var unavailable = keys.Unavailable.ToDictionary();
        var states = keys.States.All.Where(pair => pair.Value is KeyState.Disabled or KeyState.Destroyed).ToDictionary();
        var unreadable = keys.States.Unreadable.ToDictionary();
        return
        [
            .. unavailable.Keys.Union(states.Keys).Union(unreadable.Keys).OrderBy(name => name.ToString(), StringComparer.Ordinal).Select(name => new
            {
                key = name.ToString(),
                state = states.TryGetValue(name, out var state) ? KeyGauges.NameOf(state) : null,
                problem = unavailable.TryGetValue(name, out var failure) ? $"KMS:{KeyFailures.Name(failure)}" : null,
                stateProblem = unreadable.TryGetValue(name, out var unread) ? $"KMS:{KeyFailures.Name(unread)}" : null,
                remedy = unavailable.ContainsKey(name) ? KeyFailures.Remedy(failure)
                    : unreadable.ContainsKey(name) ? KeyFailures.Remedy(KeyFailure.StateUnknown)
                    : "enable the version, or sign with another key and remove this one from the attestor",
            }),
        ];
    }

    private static string NameOf(RedisState state) => state switch
    {
        RedisState.Connecting => "connecting",
        RedisState.Up => "up",
        RedisState.Refusing => "stores nothing",
        _ => "down",
    };

    public static HealthCheckOptions Options { get; } = new() { ResponseWriter = WriteAsync };
}
