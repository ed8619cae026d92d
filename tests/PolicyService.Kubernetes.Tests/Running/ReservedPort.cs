using System.Net;
using System.Net.Sockets;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>A port that nobody listens on until a service of the test does: bound all the time, so that no connection of this machine gets it meanwhile.</summary>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ReservedPort()
    {
        // Who listens must be able to bind it too (socket(7)).
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    }

    public string Url => $"http://{_socket.LocalEndPoint}";

    public void Dispose() => _socket.Dispose();
}
