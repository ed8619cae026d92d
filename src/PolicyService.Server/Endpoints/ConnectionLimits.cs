using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PolicyService.Core;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// What one connection, and all of them together, may take of the web server. What its defaults would say is written out where a test of ours
/// relies on it: a default may change with a version of the framework.
/// </summary>
internal static class ConnectionLimits
{
    /// <summary>The default is 1 MiB: some hundred connections that are opened, filled and closed at once would take all memory.</summary>
    public static void Apply(SocketTransportOptions sockets) => sockets.MaxReadBufferSize = Limits.ConnectionReadBytes;

    public static void Apply(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = Limits.MessageBytes;
        limits.MaxRequestHeadersTotalSize = Limits.HeaderBytes;
        limits.MaxRequestHeaderCount = Limits.Headers;
        limits.MaxRequestLineSize = Limits.RequestLineBytes;
        // Dripped headers: the default is 30 s, for which each of the connections would be taken.
        limits.RequestHeadersTimeout = Limits.HeadersTime;
        limits.KeepAliveTimeout = Limits.IdleConnection;
        limits.Http2.MaxStreamsPerConnection = Limits.StreamsPerConnection;
        limits.Http2.MaxRequestHeaderFieldSize = Limits.HeaderBytes;
        // A stream may be silent for as long as it likes, and a peer whose machine is gone says no goodbye: without these pings, which are
        // off by default, its streams would count against its caller until the service is restarted.
        limits.Http2.KeepAlivePingDelay = Limits.SilentConnection;
        limits.Http2.KeepAlivePingTimeout = Limits.PingPatience;
    }
}
