using PolicyService.Evidence.Registries;
using Prometheus;

namespace PolicyService.Server.RemoteEvidence;

/// <summary>Metrics of registries. Every label comes from a closed set; no host, repository or image is one.</summary>
public sealed class RegistryGauges
{
    public RegistryGauges(CollectorRegistry registry, RegistryMetrics metrics)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        var questions = factory.CreateCounter("policyservice_registry_questions_total", "Questions to registries (a manifest, a blob) by outcome.", "outcome");
        var tokens = factory.CreateCounter("policyservice_registry_tokens_total", "Tokens asked of realms of registries by outcome.", "outcome");
        var retries = factory.CreateCounter("policyservice_registry_retries_total", "Requests to registries that were repeated.");
        registry.AddBeforeCollectCallback(() =>
        {
            foreach (var (outcome, count) in metrics.Read())
            {
                questions.WithLabels(outcome).IncTo(count);
            }

            foreach (var (outcome, count) in metrics.ReadTokens())
            {
                tokens.WithLabels(outcome).IncTo(count);
            }

            retries.IncTo(metrics.Retries);
        });
    }
}
