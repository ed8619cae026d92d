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

    /// <summary>What is done with templates of pods.</summary>
    public TemplateMode Templates { get; init; }

    /// <summary>Further kinds that have templates of pods.</summary>
    public IReadOnlyList<TemplatePath> TemplateKinds { get; init; } = [];

    /// <summary>Tags are pinned to digests at <c>/mutate</c>; otherwise that path changes nothing.</summary>
    public bool PinsTags { get; init; }
}
