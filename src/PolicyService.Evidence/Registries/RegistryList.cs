using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>All the signatures that lie beside one image.</summary>
/// <param name="Signatures">Newest first as far as their order tells; those that were found before a failure too. None is verified.</param>
/// <param name="IsCut">There is more, beyond the limits (SEMANTICS section 7): what it would say is unknown.</param>
/// <param name="Failure">Why it is not all there is. None, and no signatures: cleanly none.</param>
public sealed record RegistryList(IReadOnlyList<RegistrySignature> Signatures, bool IsCut, RemoteFailure Failure);
