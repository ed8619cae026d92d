using PolicyService.Evidence.Keys;
using Prometheus;

namespace PolicyService.Server.Keys;

/// <summary>Metrics of keys kept in Cloud KMS. Every label comes from a closed set; no key's name is one.</summary>
public sealed class KeyGauges
{
    private static readonly KeyState[] States = Enum.GetValues<KeyState>();

    public KeyGauges(CollectorRegistry registry, KeyMetrics metrics, PublicKeyCache keys)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        var found = factory.CreateCounter("policyservice_keys_total", "Public keys of Cloud KMS by where they were looked for and what came of it.", "level", "outcome");
        var reads = factory.CreateCounter("policyservice_kms_state_reads_total", "Readings of the state of a key version by outcome.", "outcome");
        var retries = factory.CreateCounter("policyservice_kms_retries_total", "Calls to Cloud KMS that were repeated.");
        var versions = factory.CreateGauge("policyservice_kms_key_versions", "Key versions in use by their state.", "state");
        var unavailable = factory.CreateGauge("policyservice_kms_keys_unavailable", "Keys in use that Cloud KMS does not give now; those in memory count all the same.");
        registry.AddBeforeCollectCallback(() =>
        {
            foreach (var (level, outcome, count) in metrics.Read())
            {
                found.WithLabels(LevelName(level), outcome).IncTo(count);
            }

            foreach (var (outcome, count) in metrics.ReadStates())
            {
                reads.WithLabels(outcome).IncTo(count);
            }

            retries.IncTo(metrics.Retries);
            var states = keys.States.All.CountBy(pair => pair.Value).ToDictionary();
            foreach (var state in States)
            {
                versions.WithLabels(NameOf(state)).Set(states.GetValueOrDefault(state));
            }

            unavailable.Set(keys.Unavailable.Count());
        });
    }

    internal static string NameOf(KeyState state) => state switch
    {
        KeyState.Enabled => "ENABLED",
        KeyState.Disabled => "DISABLED",
        KeyState.Destroyed => "DESTROYED",
        _ => "UNKNOWN",
    };

    private static string LevelName(KeyLevel level) => level switch
    {
        KeyLevel.Memory => "memory",
        KeyLevel.Redis => "redis",
        _ => "kms",
    };
}
