using Grpc.AspNetCore.Server;

namespace PolicyService.Server.Access;

/// <summary>Marks an endpoint that answers whoever asks, because probes have no credentials. It tells nothing but whether the service is up.</summary>
internal sealed class AnonymousAccess
{
    private const string HealthCheck = "/grpc.health.v1.Health/Check";

    /// <summary>By the endpoint that will run, not by the path, of which there are many spellings.</summary>
    public static bool IsGiven(HttpContext context) => context.GetEndpoint()?.Metadata is { } metadata
        && (metadata.GetMetadata<AnonymousAccess>() is not null || metadata.GetMetadata<GrpcMethodMetadata>()?.Method.FullName == HealthCheck);
}
