using System.Collections.Concurrent;
using System.Text;
using PolicyService.Server.Audits;

namespace PolicyService.Server.Tests;

/// <summary>A sink that fails, or stands still, when told to.</summary>
internal sealed class TestSink : IRecordSink
{
    private readonly ManualResetEventSlim _open = new(true);
    private readonly ConcurrentQueue<string> _lines = new();
    private int _entered;
    private int _durable;
    private volatile bool _fails;
    private volatile bool _failsToFlush;

    public bool Fails { get => _fails; set => _fails = value; }

    /// <summary>Writing works and making it durable does not.</summary>
    public bool FailsToFlush { get => _failsToFlush; set => _failsToFlush = value; }

    /// <summary>Records written, in order.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>Calls that reached the sink.</summary>
    public int Entered => Volatile.Read(ref _entered);

    /// <summary>How many records were written when the last promise of durability was given.</summary>
    public int Durable => Volatile.Read(ref _durable);

    /// <summary>From now on the sink stands still inside its next write.</summary>
    public void Block() => _open.Reset();

    public void Unblock() => _open.Set();

    public void Write(ReadOnlySpan<byte> lines)
    {
        if (lines.IsEmpty)
        {
            return;
        }

        Interlocked.Increment(ref _entered);
        _open.Wait();
        if (Fails)
        {
            throw new IOException("the disk of the test is full");
        }

        foreach (var line in Encoding.UTF8.GetString(lines).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            _lines.Enqueue(line);
        }
    }

    public void MakeDurable()
    {
        if (FailsToFlush)
        {
            throw new IOException("the disk of the test does not flush");
        }

        Volatile.Write(ref _durable, _lines.Count);
    }

    public bool Has(string decisionId) => _lines.Any(line => line.Contains(decisionId, StringComparison.Ordinal));

    public void Dispose() => _open.Set();
}
