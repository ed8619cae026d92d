using System.Collections.Concurrent;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// What tags name. Nothing is remembered, because a tag can move at any time: those who ask the same at the same time share one look.
/// Thread-safe.
/// </summary>
/// <param name="fetch">Reads the manifest of a tag at its origin.</param>
/// <param name="time">The clock.</param>
/// <param name="lifetimes">How long one look may take; null: as in a service.</param>
public sealed class TagLookups(Func<RegistryRepository, string, CancellationToken, Task<RegistryOutcome>> fetch, TimeProvider time, RemoteLifetimes? lifetimes = null)
{
    private readonly TimeSpan _patience = (lifetimes ?? new RemoteLifetimes()).Fetch;
    private readonly ConcurrentDictionary<Question, Lazy<Task<RegistryOutcome>>> _flights = new();

    /// <param name="project">Whose documents allow the question: no project learns what another's credentials were shown.</param>
    /// <param name="repository">Where the tag is; how it is asked is part of the question.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="cancellation">The end of this caller's patience; the look goes on for the others.</param>
    /// <exception cref="OperationCanceledException">This caller waits no longer.</exception>
    public Task<RegistryOutcome> FindAsync(string project, RegistryRepository repository, string tag, CancellationToken cancellation) =>
        _flights.GetOrAdd(new Question(project, repository, tag), asked => new Lazy<Task<RegistryOutcome>>(() => Task.Run(() => FlyAsync(asked), CancellationToken.None)))
            .Value.WaitAsync(cancellation);

    private async Task<RegistryOutcome> FlyAsync(Question question)
    {
        try
        {
            using var bound = new CancellationTokenSource(_patience, time);
            return await fetch(question.Repository, question.Tag, bound.Token).WaitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            return RegistryOutcome.Failed(RemoteFailure.Timeout);
        }
        finally
        {
            _flights.TryRemove(question, out _);
        }
    }

    private sealed record Question(string Project, RegistryRepository Repository, string Tag);
}
