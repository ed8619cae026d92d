using System.Security.Cryptography.X509Certificates;
using k8s.Models;

namespace PolicyService.Cli.Doctor;

/// <summary>Which installation is looked at.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Adapter">The adapter's Service.</param>
/// <param name="Dependencies">Namespaces that it needs to start: the cluster's DNS and network, its PostgreSQL, its Redis.</param>
internal sealed record Installation(string Namespace, string Adapter, IReadOnlyList<string> Dependencies)
{
    /// <summary>The name that API servers expect in the adapter's certificate.</summary>
    public string HostName => $"{Adapter}.{Namespace}.svc";
}

/// <summary>A pod, as far as it matters here.</summary>
internal sealed record RunningPod(string Namespace, string Name);

/// <summary>What the adapter shows to API servers.</summary>
/// <param name="Source">Where it was seen.</param>
/// <param name="Chain">Its certificate, and what it sends along.</param>
internal sealed record ServedCertificate(string Source, X509Certificate2Collection Chain);

/// <summary>All that was read of a cluster: facts, judged by <see cref="Diagnosis"/>.</summary>
internal sealed record ClusterState(Installation Installation)
{
    public IReadOnlyList<V1Namespace> Namespaces { get; init; } = [];

    /// <summary>Pods that have not ended.</summary>
    public IReadOnlyList<RunningPod> Pods { get; init; } = [];

    public IReadOnlyList<V1ValidatingWebhookConfiguration> Validating { get; init; } = [];

    public IReadOnlyList<V1MutatingWebhookConfiguration> Mutating { get; init; } = [];

    public IReadOnlyList<V1ValidatingAdmissionPolicy> Policies { get; init; } = [];

    public IReadOnlyList<V1ValidatingAdmissionPolicyBinding> Bindings { get; init; } = [];

    /// <summary>The adapter's Service; null: there is none.</summary>
    public V1Service? Adapter { get; init; }

    /// <summary>Null: neither the adapter nor its Secret could be read.</summary>
    public ServedCertificate? Served { get; init; }

    /// <summary>How far the API server's clock is ahead of ours; null: it did not say.</summary>
    public TimeSpan? Ahead { get; init; }

    /// <summary>What could not be read, or not to its end.</summary>
    public IReadOnlyList<Finding> Unread { get; init; } = [];
}
