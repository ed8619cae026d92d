using System.Collections.Concurrent;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Grafeas;

/// <summary>The client of each endpoint that documents name.</summary>
/// <param name="connect">Makes the client of an endpoint; called once for each.</param>
public sealed class ContainerAnalysisClients(Func<ContainerAnalysisEndpoint, ContainerAnalysisClient> connect)
{
    /// <summary>Endpoints after which all are connected to anew: they come from documents, and documents change.</summary>
    private const int MaxEndpoints = 64;

    private readonly ConcurrentDictionary<ContainerAnalysisEndpoint, Lazy<ContainerAnalysisClient>> _clients = new();

    /// <summary>Asks the endpoint of the question; there are no copies of it, so the first time and again are the same.</summary>
    public Task<RemoteList> ListAsync(ContainerAnalysisQuestion question, CancellationToken cancellation)
    {
        if (_clients.Count >= MaxEndpoints && !_clients.ContainsKey(question.Endpoint))
        {
            // Those still at work go on; the collector takes them afterwards.
            _clients.Clear();
        }

        return _clients.GetOrAdd(question.Endpoint, static (asked, connect) => new Lazy<ContainerAnalysisClient>(() => connect(asked)), connect).Value.ListAsync(question, cancellation);
    }
}
