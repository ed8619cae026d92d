namespace PolicyService.Server.Audits;

/// <summary>A record on its way to the sink.</summary>
/// <param name="Record">What is written.</param>
/// <param name="IsDurable">The sink makes it durable.</param>
/// <param name="Waiter">Who waits for that, or for room; null: nobody.</param>
internal readonly record struct RecordEntry(IAuditRecord Record, bool IsDurable, RecordWaiter? Waiter)
{
    public long Weight => Math.Min(Record.Weight, RecordQueue.MaxWaitingWeight);
}

/// <summary>
/// The records that wait for the writer, bounded in number and size; where there is no room callers wait in turn. One short lock guards all
/// of it, as a channel has one too; but a channel wakes its reader for every record, which costs more than the record. Here records for which
/// nobody waits gather for a moment, and the writer looks by itself.
/// </summary>
internal sealed class RecordQueue
{
    /// <summary>Characters of the records that wait; some records are a thousand times larger than others.</summary>
    public const long MaxWaitingWeight = 32 * 1024 * 1024;

    private const int Capacity = 8192;
    private const int GroupRecords = 512;

    /// <summary>Characters after which a group is closed.</summary>
    private const long GroupWeight = 1024 * 1024;

    /// <summary>How long records gather at most; by the real clock, since no outcome depends on it.</summary>
    private const int GatherMilliseconds = 2;

    /// <summary>The same for durable ones, whose callers wait.</summary>
    private const int GatherDurableMilliseconds = 1;

    private readonly object _gate = new();
    private readonly Queue<RecordEntry> _entries = new();
    private readonly List<RecordEntry> _blocked = [];
    private readonly RecordGroup _plain = new();
    private long _weight;
    private long _takenWeight;
    private int _durable;
    private int _takenDurable;

    /// <summary>So many records, and so many durable ones, end the writer's sleep; it is awake while nothing can be enough.</summary>
    private int _enough = int.MaxValue;
    private int _enoughDurable = int.MaxValue;
    private bool _isClosed;

    /// <summary>How many records wait, without those that the writer has taken.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return Waiting;
            }
        }
    }

    private int Waiting => _entries.Count + _plain.PlainCount;

    /// <summary>Adds a line for which nobody waits, its end included.</summary>
    /// <returns>False: there is no room, or others wait for it already.</returns>
    public bool TryAdd(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            if (_isClosed || _blocked.Count > 0 || !HasRoom(line.Length))
            {
                return false;
            }

            _plain.Lines.Raw(line);
            _plain.PlainCount++;
            _weight += line.Length;
            WakeIfEnough();
            return true;
        }
    }

    /// <returns>False: there is no room, or others wait for it already.</returns>
    public bool TryAdd(RecordEntry entry)
    {
        lock (_gate)
        {
            if (_isClosed || _blocked.Count > 0 || !HasRoom(entry.Weight))
            {
                return false;
            }

            Add(entry);
            return true;
        }
    }

    /// <summary>Adds it now, or in turn when there is room.</summary>
    /// <returns>False: the queue is closed.</returns>
    public bool AddInTurn(RecordEntry entry)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _blocked.Add(entry);
            Admit();
            WakeIfEnough();
            return true;
        }
    }

    /// <summary>Forgets those who waited for room and were refused.</summary>
    public void DropRefused()
    {
        lock (_gate)
        {
            _blocked.RemoveAll(entry => entry.Waiter is { IsRefused: true });
        }
    }

    /// <summary>The writer's: what it took before is written; waits for more and takes the next group.</summary>
    /// <returns>False: the queue is closed, and everything was taken.</returns>
    public bool Take(RecordGroup group)
    {
        lock (_gate)
        {
            _weight -= _takenWeight;
            Admit();
            Gather();
            TakePlain(group);
            _takenWeight = group.PlainBytes;
            _takenDurable = 0;
            while (group.Entries.Count < GroupRecords && _takenWeight < GroupWeight && _entries.TryDequeue(out var entry))
            {
                group.Entries.Add(entry);
                _takenWeight += entry.Weight;
                _takenDurable += entry.IsDurable ? 1 : 0;
            }

            _durable -= _takenDurable;
            Admit();
            return group.PlainCount + group.Entries.Count > 0;
        }
    }

    /// <summary>Takes no more.</summary>
    /// <returns>Those for whom there was no room.</returns>
    public IReadOnlyList<RecordEntry> Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
            RecordEntry[] refused = [.. _blocked];
            _blocked.Clear();
            return refused;
        }
    }

    /// <summary>All of them: they are one run of bytes.</summary>
    private void TakePlain(RecordGroup group)
    {
        (group.Lines, _plain.Lines) = (_plain.Lines, group.Lines);
        (group.PlainCount, group.PlainBytes) = (_plain.PlainCount, group.Lines.Written.Length);
        _plain.Clear();
    }

    private void Gather()
    {
        // Half of those whose records were made durable a moment ago, and of those who came meanwhile: so one half is on its way to the disk
        // while the other is answered and asks again. A caller who is alone waits for nobody.
        var enoughDurable = (_takenDurable + _durable) / 2;
        if (enoughDurable > 1)
        {
            Sleep(GroupRecords, enoughDurable, GatherDurableMilliseconds);
        }

        if (_durable == 0)
        {
            Sleep(GroupRecords, 1, GatherMilliseconds);
        }

        // Nothing came for a while: now the first one has to wake the writer.
        while (Waiting == 0 && !_isClosed)
        {
            Sleep(1, 1, Timeout.Infinite);
        }
    }

    private void Sleep(int enough, int enoughDurable, int milliseconds)
    {
        (_enough, _enoughDurable) = (enough, enoughDurable);
        if (!IsEnough && !_isClosed)
        {
            Monitor.Wait(_gate, milliseconds);
        }

        (_enough, _enoughDurable) = (int.MaxValue, int.MaxValue);
    }

    private bool IsEnough => Waiting >= _enough || _durable >= _enoughDurable || _blocked.Count > 0;

    private void WakeIfEnough()
    {
        if (_enough != int.MaxValue && IsEnough)
        {
            (_enough, _enoughDurable) = (int.MaxValue, int.MaxValue);
            Monitor.Pulse(_gate);
        }
    }

    private bool HasRoom(long weight) => Waiting < Capacity && _weight + weight <= MaxWaitingWeight;

    private void Add(RecordEntry entry)
    {
        _entries.Enqueue(entry);
        _weight += entry.Weight;
        _durable += entry.IsDurable ? 1 : 0;
        WakeIfEnough();
    }

    private void Admit()
    {
        var admitted = 0;
        for (; admitted < _blocked.Count && (_blocked[admitted].Waiter is { IsRefused: true } || HasRoom(_blocked[admitted].Weight)); admitted++)
        {
            var entry = _blocked[admitted];
            if (entry.Waiter is { IsRefused: true })
            {
                continue;
            }

            Add(entry);
            if (!entry.IsDurable)
            {
                entry.Waiter?.Complete();
            }
        }

        _blocked.RemoveRange(0, admitted);
    }
}
