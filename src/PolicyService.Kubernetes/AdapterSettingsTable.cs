namespace PolicyService.Kubernetes;

/// <summary>One setting of the adapter, as people write it and read of it.</summary>
/// <param name="Name">Its key, with <c>:</c> between the parts.</param>
/// <param name="Type">What may be written, in words for people.</param>
/// <param name="Default">What counts if nothing is written, in words for people.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record AdapterSetting(string Name, string Type, string Default, string Meaning)
{
    /// <summary>Its command line flag.</summary>
    public string Flag => "--" + Name;

    /// <summary>Its environment variable.</summary>
    public string Variable => Name.Replace(":", "__", StringComparison.Ordinal);
}

/// <summary>Every setting there is. What is read, what is refused as unknown, and <c>docs/kubernetes-settings.md</c> come from here.</summary>
internal static class AdapterSettingsTable
{
    public static AdapterSetting ServiceUrl { get; } = new(
        "Service:Url", "`https://<host>:<port>`, or `http://<loopback address>:<port>`", "needed", "The decision service: its gRPC port.");

    public static AdapterSetting ServiceCa { get; } = new(
        "Service:Ca", "file in PEM", "the system's", "Authorities that the service's certificate must come from.");

    public static AdapterSetting ServiceCertificate { get; } = new(
        "Service:Certificate", "file in PEM", "none", "Certificate that is shown to the service, followed by those between it and its authority.");

    public static AdapterSetting ServiceKey { get; } = new("Service:Key", "file in PEM, not encrypted", "none", "Its private key.");

    public static AdapterSetting ServiceTokenFile { get; } = new(
        "Service:TokenFile", "file", "none", "Bearer token that is shown to the service; read anew for each call.");

    public static AdapterSetting ClusterName { get; } = new(
        "Cluster:Name", "`location.cluster_id`", "needed", "The cluster that this adapter speaks for.");

    public static AdapterSetting ClusterProject { get; } = new(
        "Cluster:Project", "project id", "the service knows it", "The cluster's project.");

    public static AdapterSetting ClusterTrustDomain { get; } = new(
        "Cluster:TrustDomain", "domain", "no identity is sent", "Trust domain of the cluster's Istio: then `spiffe://<domain>/ns/<namespace>/sa/<service account>` is sent.");

    public static AdapterSetting TlsCertificate { get; } = new(
        "Tls:Certificate", "file in PEM", "needed, but on loopback with `http://`", "The adapter's certificate, followed by those between it and its authority; read again within a second, for new connections.");

    public static AdapterSetting TlsKey { get; } = new("Tls:Key", "file in PEM, not encrypted", "as above", "Its private key.");

    public static AdapterSetting ClientCa { get; } = new(
        "Client:Ca", "file in PEM", "webhooks may be called by anybody", "Authorities of the API server's certificate, which webhooks then need; health and metrics do not. Read again within a second.");

    public static AdapterSetting ClientNames { get; } = new(
        "Client:Names", "names, `,` between two", "any name", "Whom that certificate must name, one of these: the common name of its subject, or a DNS name or URI of its alternative names.");

    public static AdapterSetting UrlsWebhooks { get; } = new(
        "Urls:Webhooks", "`https://<address>:<port>`, or `http://<loopback address>:<port>`", "`https://0.0.0.0:8443`", "Where webhooks, health and metrics are served. Port 0 takes a free port.");

    public static AdapterSetting TemplatesMode { get; } = new(
        "Templates:Mode", "`WARN`, `ENFORCE` or `OFF`", "`WARN`", "What is done with objects that only contain the template of a pod.");

    public static AdapterSetting TemplatesKinds { get; } = new(
        "Templates:Kinds", "`Kind.group=path;...`", "none", "Further kinds with templates of pods, such as `Rollout.argoproj.io=spec.template`; `[*]` for every element of a list.");

    public static AdapterSetting StateDirectory { get; } = new(
        "State:Directory", "directory", "needed", "Where findings wait until the service has them, and the last posture is kept. It must outlive the container.");

    public static AdapterSetting MutateEnabled { get; } = new(
        "Mutate:Enabled", "`true` or `false`", "`false`", "Tags are pinned to digests at `/mutate`; otherwise that path changes nothing.");

    public static AdapterSetting EventsEnabled { get; } = new(
        "Events:Enabled", "`true` or `false`", "`true` inside a cluster", "Events about the adapter's own pod: needs `POD_NAMESPACE` and `POD_NAME` in the environment.");

    public static IReadOnlyList<AdapterSetting> All { get; } =
    [
        ServiceUrl, ServiceCa, ServiceCertificate, ServiceKey, ServiceTokenFile, ClusterName, ClusterProject, ClusterTrustDomain, UrlsWebhooks, TlsCertificate, TlsKey,
        ClientCa, ClientNames, TemplatesMode, TemplatesKinds, StateDirectory, MutateEnabled, EventsEnabled,
    ];

    /// <summary>The text of <c>docs/kubernetes-settings.md</c>.</summary>
    public static string ToMarkdown() => string.Join('\n',
    [
        "# Settings of the Kubernetes adapter",
        "",
        "Every setting, written from the adapter's own table of them (`AdapterSettingsTable`); a test fails where the two differ. A setting is a flag",
        "(`--Cluster:Name dc1.edge` or `--Cluster:Name=dc1.edge`) or an environment variable; the flag wins. An unknown flag, a flag without its value, and",
        "a value that cannot be used stop the start with one line and exit code 2.",
        "",
        "| flag | environment variable | value | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        .. All.Select(setting => $"| `{setting.Flag}` | `{setting.Variable}` | {setting.Type} | {setting.Default} | {setting.Meaning} |"),
        "",
    ]);
}
