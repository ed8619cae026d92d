namespace PolicyService.Server.Access;

/// <summary>
/// Places for work that callers share. Those who wait get one in turn, caller by caller, however many wait for each; and nobody but the
/// anonymous caller, who is everybody, may hold the last ones: a newcomer finds one free, or one that frees soon.
/// </summary>
/// <param name="places">How many there are.</param>
internal sealed class FairPlaces(int places)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Line> _lines = new(StringComparer.Ordinal);
    private readonly LinkedList<Line> _waiting = new();
    private readonly int _places = places;
    private int _free = places;

    /// <summary>Places one caller may hold at most; beside the others at least one is left wherever there are two.</summary>
    public static int ShareOf(int places) => Math.Max(1, places * 3 / 4);

    /// <summary>Waits for a place; <see cref="Leave"/> gives it back.</summary>
    /// <exception cref="OperationCanceledException">The patience ended; there is no place to give back.</exception>
    public async Task EnterAsync(string caller, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> node;
        Line line;
        lock (_lock)
        {
            if (!_lines.TryGetValue(caller, out line!))
            {
                _lines.Add(caller, line = new Line(caller, caller == Access.Caller.Anonymous.Name ? _places : ShareOf(_places)));
            }

            if (_free > 0 && line.IsBelowShare && line.Waiting.Count == 0)
            {
                _free--;
                line.Held++;
                return;
            }

            node = line.Waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            if (line.Waiting.Count == 1)
            {
                _waiting.AddLast(line.Node);
            }
        }

        await using var giveUp = cancellation.UnsafeRegister(_ => GiveUp(line, node, cancellation), null);
        await node.Value.Task;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(string caller)
    {
        lock (_lock)
        {
            var line = _lines[caller];
            line.Held--;
            _free++;
            Admit();
            Forget(line);
        }
    }

    private void GiveUp(Line line, LinkedListNode<TaskCompletionSource> node, CancellationToken cancellation)
    {
        lock (_lock)
        {
            // Else the place was given in the same moment, and whoever waited has it.
            if (node.Value.TrySetCanceled(cancellation))
            {
                line.Waiting.Remove(node);
                StopWaiting(line);
                Forget(line);
            }
        }
    }

    /// <summary>Gives free places to the callers whose turn it is.</summary>
    private void Admit()
    {
        for (var node = _waiting.First; node is not null && _free > 0;)
        {
            var line = node.Value;
            var after = node.Next;
            if (line.IsBelowShare)
            {
                var first = line.Waiting.First!;
                line.Waiting.RemoveFirst();
                line.Held++;
                _free--;
                _waiting.Remove(node);
                if (line.Waiting.Count > 0)
                {
                    // Behind the others.
                    _waiting.AddLast(node);
                    after ??= node;
                }

                first.Value.TrySetResult();
            }

            node = after;
        }
    }

    private void StopWaiting(Line line)
    {
        if (line.Waiting.Count == 0 && line.Node.List is not null)
        {
            _waiting.Remove(line.Node);
        }
    }

    private void Forget(Line line)
    {
        if (line is { Held: 0, Waiting.Count: 0 })
        {
            _lines.Remove(line.Caller);
        }
    }

    private sealed class Line
    {
        private readonly int _share;

        public Line(string caller, int share) => (Caller, _share, Node) = (caller, share, new LinkedListNode<Line>(this));

        public string Caller { get; }

        /// <summary>Its place among those with somebody waiting.</summary>
        public LinkedListNode<Line> Node { get; }

        public LinkedList<TaskCompletionSource> Waiting { get; } = new();

        public int Held { get; set; }

        public bool IsBelowShare => Held < _share;
    }
}
