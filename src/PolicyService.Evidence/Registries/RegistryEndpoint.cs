using System.Net;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// One host as one configuration has it asked, with connections of its own: a connection is only ever used again for the host and port it
/// was permitted for, under the options that permitted it.
/// </summary>
internal sealed class RegistryEndpoint
{
    /// <summary>The name that images and people use is not where the registry answers.</summary>
    private const string DockerHub = "docker.io";

    private const string DockerHubAnswersAt = "registry-1.docker.io";

    /// <summary>How long a mirror that is down is passed over.</summary>
    private static readonly TimeSpan Detour = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time;
    private long _failed;

    /// <param name="options">The registry it belongs to: it, or one of its mirrors.</param>
    /// <param name="host">As images name it.</param>
    /// <param name="limits">Shared by all who ask this host.</param>
    /// <param name="authorities">Who is trusted.</param>
    /// <param name="credentials">Where credentials come from.</param>
    /// <param name="realmPatience">Time for a realm to give a token.</param>
    /// <param name="metrics">Counts tokens.</param>
    /// <param name="time">The clock.</param>
    public RegistryEndpoint(RegistryOptions options, string host, HostLimits limits, RegistryAuthorities authorities, RegistryCredentialSource credentials, TimeSpan realmPatience, RegistryMetrics metrics, TimeProvider time)
    {
        (Host, Limits, _time) = (host, limits, time);
        Url = new Uri($"{(options.IsInsecure ? Uri.UriSchemeHttp : Uri.UriSchemeHttps)}://{(host == DockerHub ? DockerHubAnswersAt : host)}/v2/");
        var proxy = new HttpsProxy(HttpClient.DefaultProxy);
        Guard = new AddressGuard(Url, options.PrivateHosts, proxy);
        Http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            // Each step is looked at, and credentials go no further than the first host.
            AllowAutoRedirect = false,
            UseCookies = false,
            // What is hashed and counted is what came.
            AutomaticDecompression = DecompressionMethods.None,
            Proxy = proxy,
            ConnectCallback = Guard.ConnectAsync,
            SslOptions = authorities.Options,
            MaxResponseHeadersLength = 32,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // What we trace is nothing to a registry.
            ActivityHeadersPropagator = null,
        });
        Authorizer = new RegistryAuthorizer(options.Credentials, host, credentials, new RegistryTokens(Guard, Http, realmPatience, metrics, time));
    }

    public string Host { get; }

    /// <summary>What all its URLs begin with.</summary>
    public Uri Url { get; }

    public HostLimits Limits { get; }

    public AddressGuard Guard { get; }

    public HttpMessageInvoker Http { get; }

    public RegistryAuthorizer Authorizer { get; }

    /// <summary>
    /// Whether it has failed as a mirror in the last seconds. A mirror is a shortcut: one that is down costs time once, not with each
    /// question.
    /// </summary>
    public bool IsPassedOver => Interlocked.Read(ref _failed) is var failed && failed != 0 && _time.GetElapsedTime(failed) < Detour;

    public void PassOver() => Interlocked.Exchange(ref _failed, _time.GetTimestamp());

    /// <exception cref="ArgumentException">It is no path of a repository, or leads out of it.</exception>
    public Uri UrlOf(RegistryRequest request)
    {
        var path = $"{request.Repository}/{request.Below}";
        var url = new Uri(Url, path + request.Query);
        // No dots, escapes or other characters that one server reads so and the next otherwise.
        return Guard.IsOwn(url) && url.AbsolutePath == Url.AbsolutePath + path ? url : throw new ArgumentException("no path of a repository", nameof(request));
    }
}
