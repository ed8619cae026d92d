using System.Net;
using PolicyService.Kubernetes.Connections;
using PolicyService.Kubernetes.Workloads;

namespace PolicyService.Kubernetes;

/// <summary>A setting that stops the start. The message is one line: what is wrong, and the remedy.</summary>
public sealed class SettingsException(string message) : Exception(message);

/// <summary>What is done with objects that only contain the template of a pod.</summary>
public enum TemplateMode
{
    /// <summary>They are admitted, with a warning that the pods would be refused.</summary>
    Warn = 0,

    /// <summary>They are refused as their pods would be.</summary>
    Enforce,

    /// <summary>They are not judged.</summary>
    Off,
}

/// <summary>The settings of the adapter, read and checked once, before anything listens.</summary>
public sealed record AdapterSettings
{
    /// <summary>The decision service.</summary>
    public required Uri Service { get; init; }

    /// <summary>The cluster that this adapter speaks for: <c>location.cluster_id</c>.</summary>
    public required string Cluster { get; init; }

    /// <summary>The cluster's project; empty: the service knows it.</summary>
    public string Project { get; init; } = "";

    /// <summary>Trust domain of the cluster's Istio; empty: no identity is sent.</summary>
    public string TrustDomain { get; init; } = "";

    /// <summary>What is shown to the service.</summary>
    public ServiceFiles ServiceFiles { get; init; } = new();

    /// <summary>Where webhooks, health and metrics are served; null: whoever builds the host says so.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>The adapter's certificate and its key; null: no TLS, on loopback only.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>File of the authorities that certificates of the API server come from; null: it need not show one.</summary>
    public string? ClientCa { get; init; }

    /// <summary>Whom such a certificate may name, one of these; empty: anybody.</summary>
    public IReadOnlyList<string> ClientNames { get; init; } = [];

    /// <summary>What is done with templates of pods.</summary>
    public TemplateMode Templates { get; init; }

    /// <summary>Further kinds that have templates of pods.</summary>
    public IReadOnlyList<TemplatePath> TemplateKinds { get; init; } = [];

    /// <summary>Directory of the journal and of the last posture; null: neither outlives the process, so nothing is admitted that a record must be kept of.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Tags are pinned to digests at <c>/mutate</c>; otherwise that path changes nothing.</summary>
    public bool PinsTags { get; init; }

    /// <summary>Events are written to the cluster.</summary>
    public bool WritesEvents { get; init; }

    /// <summary>Where the cluster's API answers; null: as every pod finds it.</summary>
    internal Uri? EventsApi { get; init; }

    /// <summary>How long the adapter goes on listening after it was told to stop and has said that it is not ready.</summary>
    internal TimeSpan Linger { get; init; }

    /// <summary>How long it then goes on reporting what waits in its journal.</summary>
    internal TimeSpan ForwardTime { get; init; }
}
