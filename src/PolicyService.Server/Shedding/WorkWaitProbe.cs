using System.Diagnostics;

namespace PolicyService.Server.Shedding;

/// <summary>
/// Measures how long work waits for a thread, which is what requests wait for where decisions need no IO: a piece of work that does nothing stands in
/// line with theirs, one at a time. How many stand in line would alone say less: what one takes differs a hundredfold, and so do machines.
/// </summary>
internal sealed class WorkWaitProbe(OverloadControl control) : IHostedService, IThreadPoolWorkItem, IDisposable
{
    private const long Pending = -1;

    private readonly ManualResetEvent _stopping = new(false);
    private Thread? _thread;
    private long _queuedAt;
    private long _waited;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // A thread of its own: on one of the pool it would wait for what it measures.
        _thread = new Thread(Run) { IsBackground = true, Name = nameof(WorkWaitProbe) };
        _thread.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping.Set();
        _thread?.Join();
        return Task.CompletedTask;
    }

    public void Dispose() => _stopping.Dispose();

    void IThreadPoolWorkItem.Execute() => Volatile.Write(ref _waited, Stopwatch.GetTimestamp() - _queuedAt);

    private void Run()
    {
        for (Queue(); !_stopping.WaitOne(OverloadControl.Interval);)
        {
            var waited = Volatile.Read(ref _waited);
            // What still waits has waited for so long at least.
            control.Observe(waited == Pending ? Stopwatch.GetElapsedTime(_queuedAt) : Stopwatch.GetElapsedTime(0, waited), ThreadPool.PendingWorkItemCount);
            if (waited != Pending)
            {
                Queue();
            }
        }
    }

    private void Queue()
    {
        _queuedAt = Stopwatch.GetTimestamp();
        Volatile.Write(ref _waited, Pending);
        // In the line that requests stand in, and not in that of some thread.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
