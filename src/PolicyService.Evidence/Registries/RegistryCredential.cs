using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Registries;

/// <summary>What is presented to a registry, or to whoever gives tokens for it. Never part of a message or a log.</summary>
/// <param name="User">The user's name; of an identity token, what docker writes there.</param>
/// <param name="Secret">Password, access token or identity token.</param>
public sealed record RegistryCredential(string User, string Secret)
{
    /// <summary>The secret is a refresh token for the registry's realm (docker's <c>identitytoken</c>), and no password.</summary>
    public bool IsIdentityToken { get; init; }

    public override string ToString() => "a credential";
}

/// <summary>Finds the credential for a host, of the kind its configuration names.</summary>
/// <param name="kind">Where it may come from.</param>
/// <param name="host">The registry or mirror as images name it: <c>docker.io</c>, <c>registry.example.com:5000</c>.</param>
/// <param name="isRefused">What was given last was refused (401): not to be given again if a fresh one can be had.</param>
/// <param name="cancellation">The end of the patience.</param>
/// <returns>Null: there is none for this host, so it is asked without.</returns>
/// <exception cref="Http.CredentialsException">There should be one, and it cannot be had.</exception>
internal delegate ValueTask<RegistryCredential?> RegistryCredentialSource(RegistryCredentials kind, string host, bool isRefused, CancellationToken cancellation);
