using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>What refers to an image, as far as its registry says. No descriptors, nothing cut and no failure: cleanly none.</summary>
/// <param name="Descriptors">Those of the pages before a failure too.</param>
/// <param name="IsCut">There is more, beyond the limits (SEMANTICS section 7): what it would say is unknown.</param>
/// <param name="Failure">Why it is not all there is.</param>
public sealed record ReferrersOutcome(IReadOnlyList<OciDescriptor> Descriptors, bool IsCut, RemoteFailure Failure);
