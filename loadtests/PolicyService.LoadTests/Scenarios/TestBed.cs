using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Processes;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>What the scenarios of a run share: the plan, the clock, the echo, and the server with ten rules that several of them measure.</summary>
internal sealed class TestBed(RunPlan plan, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);
    private readonly List<Http2Connection> _connections = [];
    private ServedDocuments? _hot;
    private ServerProcess? _echo;

    public RunPlan Plan => plan;

    public TimeProvider Time => time;

    /// <summary>Starts the echo at the first call.</summary>
    public async Task<Side> EchoAsync(CancellationToken cancellation)
    {
        _echo ??= await ServerProcess.StartAsync(Builds.Echo, [], StartTime, time, cancellation);
        return new Side(_echo, Lanes(_echo.Grpc, connection => new EchoCaller(connection)));
    }

    /// <summary>The server with ten rules and ten attestations; started at the first call.</summary>
    public async Task<ServedDocuments> HotAsync(CancellationToken cancellation) => _hot ??= await ServeAsync(10, cancellation);

    /// <summary>Starts a server of its own, with ten rules and this many attested images.</summary>
    public Task<ServedDocuments> ServeAsync(int images, CancellationToken cancellation, params string[] flags) =>
        ServedDocuments.StartAsync(
            SigningKey.P256(),
            (documents, key) =>
            {
                documents.WriteProject(key);
                documents.WriteAttestations([.. Enumerable.Range(0, images).Select(number => new TestImage(number))], (_, payload) => key.Sign(payload), key.Id);
            },
            StartTime, time, cancellation, flags);

    /// <summary>Callers that share the connections of the plan: as many as there are calls under way.</summary>
    public IReadOnlyList<ICaller> Lanes(Uri server, Func<Http2Connection, ICaller> caller)
    {
        var connections = Connect(server, plan.Connections);
        return [.. Enumerable.Range(0, plan.Connections * plan.Streams).Select(lane => caller(connections[lane % plan.Connections]))];
    }

    /// <summary>Connections that end with the run.</summary>
    public IReadOnlyList<Http2Connection> Connect(Uri server, int count, params IReadOnlyList<(string Name, string Value)> headers)
    {
        Http2Connection[] connections = [.. Enumerable.Range(0, count).Select(_ => new Http2Connection(server, headers))];
        _connections.AddRange(connections);
        return connections;
    }

    /// <summary>Callers of <c>Evaluate</c>.</summary>
    public Side Unary(ServerProcess server, Questions questions) =>
        new(server, Lanes(server.Grpc, connection => new UnaryCaller(connection, questions, time)));

    public async ValueTask DisposeAsync()
    {
        _connections.ForEach(connection => connection.Dispose());
        if (_hot is not null)
        {
            await _hot.DisposeAsync();
        }

        if (_echo is not null)
        {
            await _echo.DisposeAsync();
        }
    }
}
