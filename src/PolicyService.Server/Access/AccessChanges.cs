namespace PolicyService.Server.Access;

/// <summary>Tells streams that wait for nothing else that keys, issuers or authorities have changed, so that they look again at who they serve.</summary>
internal sealed class AccessChanges
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends at the next change. Taken before the look that the change would make wrong.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    public void Tell() => Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}
