namespace PolicyService.Core.Access;

/// <summary>A role, to members, on resources.</summary>
/// <param name="Role">Its name; one that is not in <see cref="Roles"/> grants nothing.</param>
/// <param name="Members">To whom.</param>
/// <param name="Resources">On what, as <see cref="AccessResource.Parse"/> takes it.</param>
public sealed record RoleBinding(string Role, IReadOnlyList<Member> Members, IReadOnlyList<string> Resources);

/// <summary>What an evaluator may do beside asking.</summary>
[Flags]
public enum EvaluatorRights
{
    None = 0,

    /// <summary><c>BREAK_GLASS</c>: its break-glass markers are honoured.</summary>
    BreakGlass = 1,

    /// <summary><c>INLINE_ATTESTATIONS</c>: attestations in its requests count.</summary>
    InlineAttestations = 2,

    /// <summary><c>WORKLOAD</c>: it may say which namespace, service account and Istio identity a workload has.</summary>
    Workload = 4,

    /// <summary><c>PREVIEW</c>: it may ask without leaving traces.</summary>
    Preview = 8,
}

/// <summary>Who may ask for decisions about which clusters.</summary>
/// <param name="Members">Who.</param>
/// <param name="Clusters"><c>location.clusterId</c>, or <c>*</c>: every one.</param>
/// <param name="Projects">Which a request may name where nothing says whose the cluster is; or <c>*</c>.</param>
/// <param name="Rights">What else.</param>
public sealed record EvaluatorGrant(IReadOnlyList<Member> Members, IReadOnlyList<string> Clusters, IReadOnlyList<string> Projects, EvaluatorRights Rights)
{
    /// <summary>Its place among the evaluators of the file, from 0; records name it so.</summary>
    public int Index { get; init; }
}

/// <summary>An issuer of JWTs.</summary>
/// <param name="Issuer">The exact <c>iss</c>: <c>https://…</c>, or <c>http://</c> on a loopback address.</param>
/// <param name="Audience">What <c>aud</c> must hold.</param>
public sealed record TrustedIssuer(string Issuer, string Audience)
{
    /// <summary>File of its keys, a JWK set; null: by OpenID Connect discovery.</summary>
    public string? KeysFile { get; init; }

    /// <summary>Domains of addresses it may speak for, in lower case.</summary>
    public IReadOnlyList<string> EmailDomains { get; init; } = [];

    /// <summary>Every domain: the issuer of the flags only.</summary>
    public bool AnyDomain { get; init; }

    /// <summary>Its <c>groups</c> claim counts.</summary>
    public bool Groups { get; init; }

    /// <summary>How its subjects begin: the issuer without its scheme.</summary>
    public string Authority => Issuer[(Issuer.IndexOf("://", StringComparison.Ordinal) + 3)..];
}

/// <summary>What one caller may use of the service.</summary>
/// <param name="RequestsPerSecond">How fast its bucket fills: requests, images of a batch, messages of a stream; a second.</param>
/// <param name="Burst">How many of them the full bucket holds.</param>
/// <param name="ConcurrentRequests">Requests in work at the same time; streams do not count here.</param>
/// <param name="Streams">Streams open at the same time.</param>
public sealed record CallerLimits(double RequestsPerSecond, int Burst, int ConcurrentRequests, int Streams)
{
    /// <summary>Where the access file says nothing.</summary>
    public static CallerLimits Default { get; } =
        new(Limits.CallerRequestsPerSecond, Limits.CallerBurst, Limits.CallerConcurrentRequests, Limits.CallerStreams);
}

/// <summary>Limits of certain callers; the first entry that names one counts.</summary>
/// <param name="Members">Whose.</param>
/// <param name="Limits">What the entry leaves out is that of the file's default.</param>
public sealed record CallerLimitsEntry(IReadOnlyList<Member> Members, CallerLimits Limits);

/// <summary>The access file (docs/access.md), checked.</summary>
public sealed record AccessFile
{
    /// <summary>No file: nobody is granted anything by it.</summary>
    public static AccessFile Empty { get; } = new();

    public IReadOnlyList<RoleBinding> Bindings { get; init; } = [];

    public IReadOnlyList<EvaluatorGrant> Evaluators { get; init; } = [];

    public IReadOnlyList<TrustedIssuer> Issuers { get; init; } = [];

    public CallerLimits DefaultLimits { get; init; } = CallerLimits.Default;

    public IReadOnlyList<CallerLimitsEntry> LimitedCallers { get; init; } = [];
}
