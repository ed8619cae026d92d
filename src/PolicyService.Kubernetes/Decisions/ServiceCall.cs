using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Postures;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>Asks the service, again where another replica may answer, and never longer than the cluster waits.</summary>
internal sealed class ServiceCall(PolicyDecisionService.PolicyDecisionServiceClient client, ServiceWatch watch, AdapterMetrics metrics, TimeProvider time)
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(200)];

    /// <summary>Asks.</summary>
    /// <param name="batch">The question.</param>
    /// <param name="left">How long there is.</param>
    /// <param name="cancellation">The cluster went away.</param>
    /// <returns>One of the two.</returns>
    public async Task<(EvaluateBatchResponse? Response, ServiceFailure? Failure)> AskAsync(EvaluateBatchRequest batch, TimeSpan left, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var deadline = (time.GetUtcNow() + left).UtcDateTime;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return (await client.EvaluateBatchAsync(batch, deadline: deadline, cancellationToken: cancellation), null);
            }
            catch (RpcException exception) when (!cancellation.IsCancellationRequested)
            {
                var isOver = attempt == Pauses.Length || time.GetElapsedTime(started) + Pauses[attempt] >= left;
                if (!ServiceFailure.IsOfConnection(exception) || isOver)
                {
                    return (null, ServiceFailure.Of(exception, watch.IsSilent));
                }
            }

            metrics.Retries.Inc();
            await Task.Delay(Pauses[attempt], time, cancellation);
        }
    }
}
