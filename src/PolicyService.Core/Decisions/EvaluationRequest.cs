using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>A human override asked for.</summary>
public sealed record BreakGlassRequest(string Justification);

/// <summary>An attestation sent with the request, and the attestor it is for.</summary>
public sealed record InlineAttestation(AttestorName Attestor, Attestation Attestation);

/// <summary>What the caller may ask beside a plain decision; what is not granted is ignored, and the record says so.</summary>
public sealed record CallerGrants(bool BreakGlass, bool InlineAttestations)
{
    public static CallerGrants All { get; } = new(true, true);

    public static CallerGrants None { get; } = new(false, false);
}

/// <summary>One image, one cluster: a request whose every field has parsed.</summary>
public sealed record EvaluationRequest(ImageReference Image, string Cluster)
{
    private static readonly IReadOnlyDictionary<string, string> Nothing = new Dictionary<string, string>();

    /// <summary>Empty: the cluster's project, or the only one there is.</summary>
    public string Project { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string ServiceAccount { get; init; } = "";

    /// <summary>SPIFFE id without its scheme.</summary>
    public string IstioIdentity { get; init; } = "";

    public BreakGlassRequest? BreakGlass { get; init; }

    public IReadOnlyList<InlineAttestation> Attestations { get; init; } = [];

    public CallerGrants Grants { get; init; } = CallerGrants.None;

    public bool Preview { get; init; }

    public Digest? ParentDigest { get; init; }

    public bool Explain { get; init; }

    /// <summary>Recorded; they never decide.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Nothing;

    /// <summary>Recorded; they never decide.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = Nothing;
}
