using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>What a registry says refers to a manifest (OCI distribution specification, "Listing Referrers").</summary>
/// <param name="Descriptors">The manifests that say so; those that were found before a failure too.</param>
/// <param name="IsCut">There are more, beyond the limits (SEMANTICS section 7): what they would say is unknown.</param>
/// <param name="Failure">Why it is not all there is. None, and no descriptors: cleanly none.</param>
public sealed record ReferrersOutcome(IReadOnlyList<OciDescriptor> Descriptors, bool IsCut, RemoteFailure Failure);
