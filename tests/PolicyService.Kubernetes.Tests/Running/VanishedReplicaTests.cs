using System.Net;
using System.Net.Sockets;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>A replica whose machine is gone: nobody closes its connections.</summary>
public sealed class VanishedReplicaTests
{
    private static readonly AdmissionQuestion Question = new([Ask.Attested], "shop", "app", new AdmissionSubject("Pod", "web", "CREATE", "alice"));

    [Fact, Trait("attack", "115")]
    public async Task Connection_that_says_nothing_is_left_for_another()
    {
        await using var server = await TestServer.StartAsync(LinkedAdapter.Enforced());
        await using var network = new Network(new Uri(server.GrpcUrl).Port);
        await using var adapter = await LinkedAdapter.StartAsync(network.Url);
        Assert.Equal(AdmissionBasis.Service, (await adapter.DecideAsync(Question, 30)).Basis);

        var opened = network.Opened;
        network.Vanish();

        // 10 s without a word, 5 s for the ping: without pings it would wait for what closes connections in the end.
        var elapsed = await Eventually.Holds("another connection is opened", () => network.Opened > opened);
        TestContext.Current.TestOutputHelper?.WriteLine($"another connection after {elapsed.TotalSeconds:0.0} s of 15");
        Assert.InRange(elapsed, TimeSpan.Zero, 5 * TimeSpan.FromSeconds(15));
        await Eventually.Holds("the service decides again", async () => (await adapter.DecideAsync(Question, 5)).Basis is AdmissionBasis.Service);
    }

    /// <summary>Carries connections to a port of this machine, until it stops carrying those it has.</summary>
    private sealed class Network : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stopping = new();
        private readonly List<CancellationTokenSource> _lives = [];
        private readonly List<Socket> _sockets = [];
        private readonly Lock _lock = new();
        private readonly Task _accepting;

        public Network(int port)
        {
            _listener.Start();
            _accepting = AcceptAsync(port);
        }

        public string Url => $"http://{_listener.LocalEndpoint}";

        public int Opened
        {
            get
            {
                lock (_lock)
                {
                    return _lives.Count;
                }
            }
        }

        /// <summary>What is open now stays so, and carries nothing any more.</summary>
        public void Vanish()
        {
            lock (_lock)
            {
                _lives.ForEach(life => life.Cancel());
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stopping.CancelAsync();
            Vanish();
            _listener.Dispose();
            await _accepting;
            _sockets.ForEach(socket => socket.Dispose());
            _lives.ForEach(life => life.Dispose());
            _stopping.Dispose();
        }

        private static async Task CarryAsync(Socket from, Socket to, CancellationToken life)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                for (var length = await from.ReceiveAsync(buffer, life); length > 0; length = await from.ReceiveAsync(buffer, life))
                {
                    await to.SendAsync(buffer.AsMemory(0, length), life);
                }

                to.Shutdown(SocketShutdown.Send);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // It carries nothing any more.
            }
        }

        private async Task AcceptAsync(int port)
        {
            var carrying = new List<Task>();
            try
            {
                while (true)
                {
                    var (near, far, life) = (await _listener.AcceptSocketAsync(_stopping.Token), new Socket(SocketType.Stream, ProtocolType.Tcp), new CancellationTokenSource());
                    lock (_lock)
                    {
                        _sockets.AddRange([near, far]);
                        _lives.Add(life);
                    }

                    await far.ConnectAsync(IPAddress.Loopback, port, _stopping.Token);
                    carrying.AddRange([CarryAsync(near, far, life.Token), CarryAsync(far, near, life.Token)]);
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                await Task.WhenAll(carrying);
            }
        }
    }
}
