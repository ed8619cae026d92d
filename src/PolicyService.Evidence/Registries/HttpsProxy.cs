using System.Net;

namespace PolicyService.Evidence.Registries;

/// <summary>The proxy of the environment, for HTTPS alone: plain HTTP is for registries close by, which no proxy knows.</summary>
internal sealed class HttpsProxy(IWebProxy environment) : IWebProxy
{
    public ICredentials? Credentials
    {
        get => environment.Credentials;
        set => environment.Credentials = value;
    }

    public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : environment.GetProxy(destination);

    public bool IsBypassed(Uri host) => host.Scheme != Uri.UriSchemeHttps || environment.IsBypassed(host);
}
