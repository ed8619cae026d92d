using System.Text.RegularExpressions;
using PolicyService.Core.Access;

namespace PolicyService.Server.Access;

/// <summary>Who may come to an endpoint. It stands among the endpoint's metadata; an endpoint without it is closed to everybody.</summary>
internal sealed partial record AccessRequirement
{
    private AccessRequirement(AccessKind kind, string permission = "", string resource = "") => (Kind, Permission, Resource) = (kind, permission, resource);

    /// <summary>Anybody, without credentials too.</summary>
    public static AccessRequirement Open { get; } = new(AccessKind.Open);

    /// <summary>Whoever has authenticated.</summary>
    public static AccessRequirement Authenticated { get; } = new(AccessKind.Authenticated);

    /// <summary>Whoever has authenticated, and each message on its own: <see cref="Permissions.PolicyEvaluate"/> on its cluster.</summary>
    public static AccessRequirement PerMessage { get; } = new(AccessKind.PerMessage, Permissions.PolicyEvaluate);

    public AccessKind Kind { get; }

    /// <summary>The permission asked for; empty: none.</summary>
    public string Permission { get; }

    /// <summary>On what, with the names of route values in braces: <c>projects/{project}/policy</c>.</summary>
    public string Resource { get; }

    /// <summary>A permission on a resource that the path names.</summary>
    public static AccessRequirement Of(string permission, string resource) => new(AccessKind.Permission, permission, resource);

    /// <summary>The resource of one request. What a path holds that is no name stays in it, and nothing is granted on that.</summary>
    public string ResourceOf(HttpContext context) =>
        Parameter().Replace(Resource, match => context.Request.RouteValues[match.Groups[1].Value] as string ?? "");

    [GeneratedRegex(@"\{(\w+)\}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();
}

/// <summary>How an endpoint is guarded.</summary>
internal enum AccessKind
{
    /// <summary>Nobody may come.</summary>
    None,
    Open,
    Authenticated,
    Permission,
    PerMessage,
}

/// <summary>Puts requirements onto endpoints.</summary>
internal static class AccessRequirements
{
    private static readonly Dictionary<string, AccessRequirement> Rpcs = new(StringComparer.Ordinal)
    {
        ["/policyservice.v1.PolicyDecisionService/Evaluate"] = AccessRequirement.PerMessage,
        ["/policyservice.v1.PolicyDecisionService/EvaluateBatch"] = AccessRequirement.PerMessage,
        ["/policyservice.v1.PolicyDecisionService/EvaluateStream"] = AccessRequirement.PerMessage,
        ["/policyservice.v1.ClusterService/ResolveImage"] = AccessRequirement.PerMessage,
        ["/policyservice.v1.ClusterService/WatchChanges"] = AccessRequirement.PerMessage,
        ["/policyservice.v1.ClusterService/ReportFindings"] = AccessRequirement.PerMessage,
        ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = AccessRequirement.Authenticated,
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = AccessRequirement.Authenticated,
        ["/grpc.health.v1.Health/Check"] = AccessRequirement.Open,
        ["/grpc.health.v1.Health/Watch"] = AccessRequirement.Authenticated,
    };

    /// <summary>The endpoint needs a permission on what its path names.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, string permission, string resource) where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(AccessRequirement.Of(permission, resource));

    /// <summary>The methods of a gRPC service need what the table says; one that is not in it stays closed.</summary>
    public static TBuilder NeedsByMethod<TBuilder>(this TBuilder service) where TBuilder : IEndpointConventionBuilder
    {
        service.Add(builder =>
        {
            var pattern = (builder as RouteEndpointBuilder)?.RoutePattern.RawText ?? "";
            if (Rpcs.TryGetValue(pattern, out var requirement))
            {
                builder.Metadata.Add(requirement);
            }
        });
        return service;
    }

    /// <summary>What the framework answers itself, without a method of ours: UNIMPLEMENTED, 405.</summary>
    public static bool IsFrameworks(Endpoint endpoint) =>
        endpoint is not RouteEndpoint route || route.RoutePattern.RawText?.EndsWith("{unimplementedMethod:grpcunimplemented}", StringComparison.Ordinal) is true;
}
