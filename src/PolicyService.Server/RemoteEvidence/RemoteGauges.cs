using PolicyService.Evidence.Remote;
using Prometheus;

namespace PolicyService.Server.RemoteEvidence;

/// <summary>Metrics of evidence elsewhere. Every label comes from a closed set; no note, project or digest is one.</summary>
public sealed class RemoteGauges
{
    public RemoteGauges(CollectorRegistry registry, RemoteMetrics metrics)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        var answers = factory.CreateCounter("policyservice_remote_evidence_total", "Questions about evidence of sources elsewhere by where they were answered.", "level");
        var lists = factory.CreateCounter("policyservice_container_analysis_lists_total", "Lists asked of Container Analysis elsewhere by outcome.", "outcome");
        var beside = factory.CreateCounter("policyservice_registry_lists_total", "Looks for signatures beside an image by outcome.", "outcome");
        var retries = factory.CreateCounter("policyservice_container_analysis_retries_total", "Calls to Container Analysis elsewhere that were repeated.");
        var archive = factory.CreateCounter("policyservice_evidence_archive_total", "Changes to the archive by outcome; used: it spoke for a source that was down.", "outcome");
        registry.AddBeforeCollectCallback(() =>
        {
            foreach (var level in Enum.GetValues<RemoteLevel>())
            {
                answers.WithLabels(Name(level)).IncTo(metrics.Of(level));
            }

            foreach (var failure in RemoteFailures.All)
            {
                lists.WithLabels(RemoteFailures.Name(failure)).IncTo(metrics.Of(RemoteSource.ContainerAnalysis, failure));
                beside.WithLabels(RemoteFailures.Name(failure)).IncTo(metrics.Of(RemoteSource.Registry, failure));
            }

            foreach (var outcome in Enum.GetValues<ArchiveOutcome>())
            {
                archive.WithLabels(Name(outcome)).IncTo(metrics.Of(outcome));
            }

            retries.IncTo(metrics.Retries);
        });
    }

    private static string Name<T>(T value)
        where T : struct, Enum => Enum.GetName(value)!.ToLowerInvariant();
}
