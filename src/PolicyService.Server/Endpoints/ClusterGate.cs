using Grpc.Core;
using PolicyService.Core;
using PolicyService.Core.Decisions;
using PolicyService.Server.Access;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Endpoints;

/// <summary>Lets a caller ask about a cluster, or not: who may is who may have its images evaluated (docs/access.md).</summary>
public sealed class ClusterGate(EvaluatorGate access)
{
    /// <summary>Checks one message by the rules of one version.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="project">The project that the message names; empty: none.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="version">The version that answers it.</param>
    /// <returns>What the caller is granted on the cluster.</returns>
    /// <exception cref="RpcException">INVALID_ARGUMENT or PERMISSION_DENIED.</exception>
    public CallerGrants Check(string cluster, string project, Caller caller, PolicyVersion version)
    {
        var problem = RequestParser.Limit("cluster", cluster, Limits.StringBytes)
            ?? RequestParser.Limit("project", project, Limits.StringBytes)
            ?? RequestParser.Place(cluster, project);
        if (problem is not null)
        {
            throw Invalid(problem);
        }

        return access.Check(cluster, project, caller, version.Snapshot, out var refusal)
            ?? throw new RpcException(new Status(StatusCode.PermissionDenied, refusal!.Message));
    }

    internal static RpcException Invalid(RequestProblem problem) => new(new Status(StatusCode.InvalidArgument, problem.Message));
}
