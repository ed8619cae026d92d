using System.Collections.Frozen;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Where a workload runs.</summary>
public enum Platform
{
    /// <summary>A cluster of one's own, and every cluster that no binding names.</summary>
    OnPrem,
    Gke,
    CloudRun,
}

/// <summary>How an error under an enforced rule is answered.</summary>
public enum FailMode
{
    /// <summary>No error decided.</summary>
    Unspecified,
    Closed,
    Open,
}

/// <summary>Where evidence comes from.</summary>
public enum EvidenceSource
{
    /// <summary>None; nothing comes from here.</summary>
    Unspecified,
    Grafeas,
    Registry,
    Inline,
}

/// <summary>A revoked digest, or a revoked (attestor, digest) pair.</summary>
public sealed record Revocation(Digest Digest, AttestorName? Attestor, string Reason, string Author);

/// <summary>What the options say of one attestor.</summary>
public sealed record AttestorOptions(IReadOnlyList<EvidenceSource>? EvidenceSources, TimeSpan? MaxAttestationAge);

/// <summary>A Container Analysis elsewhere, and what is asked of it.</summary>
/// <param name="Endpoint">Where it answers.</param>
/// <param name="Projects">Projects whose notes and occurrences are asked for there; what stands in any other is not there.</param>
public sealed record ContainerAnalysisOptions(ContainerAnalysisEndpoint Endpoint, FrozenSet<string> Projects);

/// <summary>Our own settings of a project, beside Google's documents (SEMANTICS section 8).</summary>
public sealed record ProjectOptions
{
    /// <summary>The options of a project that has written none.</summary>
    public static ProjectOptions Default { get; } = new();

    public FrozenDictionary<Platform, FailMode> FailModes { get; init; } = FrozenDictionary<Platform, FailMode>.Empty;

    public bool BindRepository { get; init; }

    public bool IndexCoversChildren { get; init; }

    /// <summary>Null: unlimited.</summary>
    public TimeSpan? MaxAttestationAge { get; init; }

    public TimeSpan MaxSnapshotAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Null: the default of SEMANTICS section 1.</summary>
    public IReadOnlyList<EvidenceSource>? EvidenceSources { get; init; }

    public FrozenDictionary<AttestorName, AttestorOptions> Attestors { get; init; } = FrozenDictionary<AttestorName, AttestorOptions>.Empty;

    /// <summary>SHA-256 of the SubjectPublicKeyInfo of keys kept in Cloud KMS, by the key's name in whatever spelling.</summary>
    public FrozenDictionary<KmsKeyName, Digest> PinnedKeys { get; init; } = FrozenDictionary<KmsKeyName, Digest>.Empty;

    /// <summary>Digests revoked for every attestor.</summary>
    public FrozenDictionary<Digest, Revocation> RevokedDigests { get; init; } = FrozenDictionary<Digest, Revocation>.Empty;

    /// <summary>Digests revoked for one attestor.</summary>
    public FrozenDictionary<(AttestorName Attestor, Digest Digest), Revocation> RevokedPairs { get; init; } =
        FrozenDictionary<(AttestorName Attestor, Digest Digest), Revocation>.Empty;

    /// <summary>How long archived evidence of a source that is down counts since the source last showed it.</summary>
    public TimeSpan EvidenceGrace { get; init; } = TimeSpan.FromHours(168);

    public bool RevokeOnKmsDisable { get; init; }

    /// <summary>Registries evidence may be fetched from, by host.</summary>
    public FrozenDictionary<string, RegistryOptions> Registries { get; init; } = FrozenDictionary<string, RegistryOptions>.Empty;

    /// <summary>A Container Analysis elsewhere; null: our own store only.</summary>
    public ContainerAnalysisOptions? ContainerAnalysis { get; init; }

    public bool RequireGrant { get; init; }

    public FailMode FailModeOn(Platform platform) => FailModes.GetValueOrDefault(platform, FailMode.Closed);

    public IReadOnlyList<EvidenceSource> SourcesOf(AttestorName attestor) =>
        Attestors.GetValueOrDefault(attestor)?.EvidenceSources ?? EvidenceSources ?? (Registries.Count > 0 ? WithRegistry : GrafeasOnly);

    public TimeSpan? MaxAgeOf(AttestorName attestor) => Attestors.GetValueOrDefault(attestor)?.MaxAttestationAge ?? MaxAttestationAge;

    private static readonly EvidenceSource[] GrafeasOnly = [EvidenceSource.Grafeas];
    private static readonly EvidenceSource[] WithRegistry = [EvidenceSource.Grafeas, EvidenceSource.Registry];
}
