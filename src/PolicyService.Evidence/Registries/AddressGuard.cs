using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PolicyService.Evidence.Registries;

/// <summary>A connection to where we do not go. The message holds no address: what a registry sends stays out of logs.</summary>
internal sealed class AddressRefusedException() : Exception("an address that this registry may not lead to");

/// <summary>
/// Decides which addresses one registry may make this service connect to: its own host wherever that is, but for link-local addresses;
/// any other host at public addresses only; and both anywhere where the options list them. The address that is connected to is looked at,
/// not the name, so that a name which resolves otherwise the second time gains nothing. Behind a proxy of the environment the proxy
/// resolves names, and only addresses that stand in URLs can be looked at.
/// </summary>
/// <param name="registry">The registry's own host.</param>
/// <param name="privateHosts">Hosts with or without ports that may be anywhere.</param>
/// <param name="proxy">The proxy that connections go through; null: none.</param>
internal sealed class AddressGuard(Uri registry, IReadOnlyList<string> privateHosts, IWebProxy? proxy)
{
    /// <summary>The registry itself: the same scheme, host and port.</summary>
    public bool IsOwn(Uri url) => url.Scheme == registry.Scheme
        // Of some names there is no ASCII form, and to ask for it throws. A registry can write any.
        && Ascii.IsValid(url.Host)
        && url.IdnHost == registry.IdnHost && url.Port == registry.Port;

    /// <summary>
    /// A URL that a registry sends us to: HTTPS, or HTTP where the registry itself has nothing better, without credentials in it, and not at
    /// an address that is refused as it stands there, however it is spelled.
    /// </summary>
    public bool Permits(Uri url) =>
        url.IsAbsoluteUri
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && registry.Scheme == Uri.UriSchemeHttp))
        && url.UserInfo.Length == 0
        // Digits of other scripts are digits to some resolvers; names of other scripts have an ASCII form.
        && Ascii.IsValid(url.Host)
        && (!IPAddress.TryParse(url.IdnHost.TrimEnd('.'), out var address) || Permits(url.IdnHost, url.Port, address));

    /// <summary>Opens a connection for <see cref="SocketsHttpHandler"/>.</summary>
    /// <exception cref="AddressRefusedException">The host has no address that is permitted.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await Dns.GetHostAddressesAsync(host, cancellation);
        var permitted = IsProxy(context) ? addresses : [.. addresses.Where(address => Permits(host, port, address))];
        if (addresses.Length > 0 && permitted.Length == 0)
        {
            throw new AddressRefusedException();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(permitted, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        finally
        {
            if (!socket.Connected)
            {
                socket.Dispose();
            }
        }
    }

    internal bool Permits(string host, int port, IPAddress address) => AddressKinds.Of(address) switch
    {
        AddressKind.Public => true,
        AddressKind.Private => (host == registry.IdnHost && port == registry.Port) || IsListed(host, port),
        _ => IsListed(host, port),
    };

    private bool IsListed(string host, int port)
    {
        var name = host.Contains(':', StringComparison.Ordinal) && !host.StartsWith('[') ? $"[{host}]" : host;
        return privateHosts.Any(listed => listed == name || listed == $"{name}:{port}");
    }

    // The operator chose the proxy, and it may be anywhere. What asks it for a way through is a request of its own, which has the destination in a header.
    private bool IsProxy(SocketsHttpConnectionContext context) =>
        (context.InitialRequestMessage is { Method.Method: "CONNECT" } tunnel ? new Uri($"https://{tunnel.Headers.Host}") : context.InitialRequestMessage.RequestUri) is { } url
        && proxy?.GetProxy(url) is { } through
        && through.IdnHost == context.DnsEndPoint.Host
        && through.Port == context.DnsEndPoint.Port;
}
