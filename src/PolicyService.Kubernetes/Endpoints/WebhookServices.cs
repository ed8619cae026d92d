using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Pinning;
using PolicyService.Kubernetes.Reviews;
using PolicyService.Kubernetes.Workloads;
using FailMode = PolicyService.Kubernetes.Decisions.FailMode;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>The webhooks: what they are made of, and their paths.</summary>
internal static class WebhookServices
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.TryAddSingleton(provider => new ClusterService.ClusterServiceClient(provider.GetRequiredService<GrpcChannel>()));
        return services
            .AddSingleton(provider => new WorkloadKinds(provider.GetRequiredService<AdapterSettings>().TemplateKinds))
            .AddSingleton<ReviewRoom>()
            .AddSingleton<ReviewExchange>()
            .AddSingleton<TagPinner>()
            .AddSingleton<ValidateEndpoint>()
            .AddSingleton<ImageReviewEndpoint>()
            .AddSingleton<MutateEndpoint>();
    }

    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/validate", (HttpContext http, ValidateEndpoint endpoint) => endpoint.HandleAsync(http, FailMode.Closed));
        routes.MapPost("/validate/fail-open", (HttpContext http, ValidateEndpoint endpoint) => endpoint.HandleAsync(http, FailMode.Open));
        routes.MapPost("/imagereview", (HttpContext http, ImageReviewEndpoint endpoint) => endpoint.HandleAsync(http));
        routes.MapPost("/mutate", (HttpContext http, MutateEndpoint endpoint) => endpoint.HandleAsync(http));
    }
}
