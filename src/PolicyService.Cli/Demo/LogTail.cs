namespace PolicyService.Cli.Demo;

/// <summary>The last lines a process wrote. Two pipes are drained at once, so it locks.</summary>
internal sealed class LogTail
{
    private const int MaxLines = 30;

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = new();

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    public void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lock)
        {
            if (_lines.Count == MaxLines)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
        }
    }
}
