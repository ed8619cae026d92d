using PolicyService.Core;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>
/// Finds the credential for a registry where its configuration says. A cloud's credentials go to that cloud's own hosts, and to no other,
/// whatever the configuration says. One for the whole process; thread-safe.
/// </summary>
public sealed class RegistryCredentialStore : IDisposable
{
    private readonly DockerConfigFile _file;
    private readonly CloudCredentials _clouds;
    private readonly TokenCall _calls = new();
    private readonly EcrTokens _ecr;
    private readonly AcrTokens _acr;
    private readonly CredentialCache _helpers;
    private readonly CredentialCache _tokens;
    private readonly TimeProvider _time;

    public RegistryCredentialStore(RegistrySettings settings, TimeProvider time)
        : this(settings, CloudCredentials.OfThisMachine(), time)
    {
    }

    internal RegistryCredentialStore(RegistrySettings settings, CloudCredentials clouds, TimeProvider time)
    {
        (_file, _clouds, _time) = (new DockerConfigFile(settings.DockerConfigFile), clouds, time);
        (_ecr, _acr) = (new EcrTokens(clouds.Aws, clouds.Reach, _calls, time), new AcrTokens(clouds.Azure, clouds.Reach, _calls, time));
        (_helpers, _tokens) = (new CredentialCache(Limits.CredentialHelperTime, time), new CredentialCache(Limits.CloudTokenTime, time));
    }

    /// <inheritdoc cref="RegistryCredentialSource"/>
    /// <exception cref="Http.CredentialsException">There should be one, and it cannot be had.</exception>
    public ValueTask<RegistryCredential?> GetAsync(RegistryCredentials kind, string host, bool isRefused, CancellationToken cancellation) => kind switch
    {
        RegistryCredentials.DockerConfig => OfDockerAsync(host, isRefused, cancellation),
        RegistryCredentials.Google when CloudRegistryHosts.IsGoogle(host) => OfGoogleAsync(cancellation),
        RegistryCredentials.Ecr when CloudRegistryHosts.FindEcr(host) is { } registry =>
            _tokens.GetAsync($"ecr {host}", isRefused, asking => _ecr.GetAsync(registry, asking), cancellation),
        RegistryCredentials.Acr when CloudRegistryHosts.FindAcrScope(host) is { } scope =>
            _tokens.GetAsync($"acr {host}", isRefused, asking => _acr.GetAsync(host, scope, asking), cancellation),
        _ => ValueTask.FromResult<RegistryCredential?>(null),
    };

    public void Dispose() => _calls.Dispose();

    private async ValueTask<RegistryCredential?> OfDockerAsync(string host, bool isRefused, CancellationToken cancellation)
    {
        if (await _file.ReadAsync(cancellation) is not { } config)
        {
            return null;
        }

        var helped = config.FindHelper(host) is { } helper
            ? await _helpers.GetAsync($"{helper} {host}", isRefused, asking => AskHelperAsync(helper, host, asking), cancellation)
            : null;
        return helped ?? config.FindCredential(host);
    }

    private async Task<CredentialLease> AskHelperAsync(string helper, string host, CancellationToken cancellation)
    {
        var server = host == "docker.io" ? DockerConfig.DockerHubUrl : host;
        return new CredentialLease(await CredentialHelper.GetAsync(helper, server, cancellation), _time.GetUtcNow() + Limits.CredentialHelperLife);
    }

    /// <summary>The library remembers the token and renews it.</summary>
    private async ValueTask<RegistryCredential?> OfGoogleAsync(CancellationToken cancellation) =>
        new("oauth2accesstoken", await _clouds.Google(cancellation));
}
