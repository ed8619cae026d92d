using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Server.Access;
using PolicyService.Server.Decisions;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Endpoints;

/// <summary>Tells callers what holds for their clusters, at once and at every change, and that the service is there.</summary>
public sealed class ClusterWatch(ClusterGate gate, SnapshotInForce inForce, StreamDrain drain, CallerWatch callers, TimeProvider time)
{
    private Comparison? _last;

    /// <summary>Writes until the caller goes, must authenticate anew, may not ask any more, or the service stops.</summary>
    /// <exception cref="RpcException">How it ended, where the caller did not end it.</exception>
    public async Task RunAsync(WatchChangesRequest request, IServerStreamWriter<WatchChangesResponse> messages, ServerCallContext context)
    {
        drain.Enter(context.GetHttpContext());
        var caller = context.GetHttpContext().Caller();
        using var lapsed = new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Draining, lapsed.Token);
        var watching = callers.WaitAsync(caller, lapsed, ending.Token);
        try
        {
            await TellAsync(request, messages, caller, ending.Token);
        }
        catch (Exception exception) when (drain.Draining.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the service is shutting down: ask again, and another replica will answer"));
        }
        catch (Exception exception) when (lapsed.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, callers.ProblemOf(caller) ?? "the caller has to authenticate anew"));
        }
        finally
        {
            await ending.CancelAsync();
            await watching;
        }
    }

    private async Task TellAsync(WatchChangesRequest request, IServerStreamWriter<WatchChangesResponse> messages, Caller caller, CancellationToken ending)
    {
        PolicyVersion? told = null;
        while (true)
        {
            // Before the look: a change in between ends it.
            var change = inForce.NextChange;
            var version = inForce.Current ?? throw new InvalidOperationException("no documents were read before the first request");
            await messages.WriteAsync(Message(request, caller, told, version), ending);
            told = version;
            using (var waiting = new TimedCancellation(Limits.WatchInterval, time, ending))
            {
                await change.WaitAsync(waiting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            ending.ThrowIfCancellationRequested();
        }
    }

    private WatchChangesResponse Message(WatchChangesRequest request, Caller caller, PolicyVersion? told, PolicyVersion version)
    {
        var grants = gate.Check(request.Cluster, request.Project, caller, version);
        var now = time.GetUtcNow();
        if (!version.Snapshot.TryFindPosture(request.Cluster, request.Project, version.AgeAt(now), grants, out var posture, out var problem))
        {
            throw ClusterGate.Invalid(RequestProblem.Of("project", request.Project, problem));
        }

        return new WatchChangesResponse
        {
            Generation = version.Snapshot.Generation,
            Changed = { told is null ? [] : Changed(told, version, posture.Project) },
            Time = Timestamp.FromDateTimeOffset(now),
            Posture = new ClusterPosture
            {
                Cluster = request.Cluster,
                Project = posture.Project,
                Enforcement = posture.IsDryRun ? Enforcement.DryRun : Enforcement.Enforced,
                MaxAge = Duration.FromTimeSpan(posture.MaxAge),
                HonoursBreakGlass = posture.HonoursBreakGlass,
                RevokedDigests = { posture.RevokedDigests },
            },
        };
    }

    private IEnumerable<ChangedPart> Changed(PolicyVersion told, PolicyVersion version, string project)
    {
        var changes = Compare(told.Snapshot, version.Snapshot);
        if (changes.SystemPolicy || changes.Policy(project))
        {
            yield return ChangedPart.Policy;
        }

        if (changes.Attestors)
        {
            yield return ChangedPart.Attestors;
        }

        if (changes.Attestations || told.EvidenceVersion != version.EvidenceVersion)
        {
            yield return ChangedPart.Attestations;
        }

        if (changes.PlatformPolicies)
        {
            yield return ChangedPart.PlatformPolicies;
        }

        if (changes.Options(project))
        {
            yield return ChangedPart.Options;
        }
    }

    /// <summary>Everybody who watches asks about the same two versions.</summary>
    private DocumentChanges Compare(PolicySnapshot before, PolicySnapshot after)
    {
        var last = Volatile.Read(ref _last);
        if (last is null || !ReferenceEquals(last.Before, before) || !ReferenceEquals(last.After, after))
        {
            last = new Comparison(before, after, DocumentChanges.Between(before, after));
            Volatile.Write(ref _last, last);
        }

        return last.Changes;
    }

    private sealed record Comparison(PolicySnapshot Before, PolicySnapshot After, DocumentChanges Changes);
}
