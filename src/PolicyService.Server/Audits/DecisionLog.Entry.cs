namespace PolicyService.Server.Audits;

/// <summary>What waits to be written.</summary>
public sealed partial class DecisionLog
{
    private sealed class Entry(IAuditRecord record, bool durable)
    {
        private volatile bool _isAbandoned;

        public IAuditRecord Record => record;

        /// <summary>Completes when the record is durable; null if nobody waits for that.</summary>
        public TaskCompletionSource? Written { get; } = durable ? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) : null;

        public bool IsAbandoned => _isAbandoned;

        public void Abandon() => _isAbandoned = true;

        public void Complete() => Written?.TrySetResult();
    }
}
