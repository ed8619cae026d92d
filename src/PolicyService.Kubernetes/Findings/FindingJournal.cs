using System.Text;
using Google.Protobuf;
using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Findings;

/// <summary>
/// Findings that the service does not have yet, on disk: a file of lines that only grows, and beside it how much of it was acknowledged. Whatever a crash
/// leaves, nothing that was promised is lost; what was acknowledged may be reported again, with the id it had.
/// </summary>
internal sealed partial class FindingJournal : IDisposable
{
    /// <summary>Most that waits; beyond it nothing is admitted that must be recorded.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;
    public const int MaxLines = 100_000;

    /// <summary>Acknowledged bytes at the beginning of the file after which it is written anew without them.</summary>
    private const long CompactAfter = 8 * 1024 * 1024;

    private readonly SemaphoreSlim _one = new(1);
    private readonly string? _path;
    private readonly ILogger<FindingJournal> _logger;
    private FileStream? _file;
    private long _acknowledged;
    private long _bytes;
    private int _lines;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FindingJournal(AdapterSettings settings, ILogger<FindingJournal> logger)
    {
        (_path, _logger) = (settings.StateDirectory is { } directory ? Path.Combine(directory, "findings.jsonl") : null, logger);
        try
        {
            Open();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Looked at again at each finding: an adapter that does not start would refuse everything.
            Fail(exception);
        }
    }

    /// <summary>Findings that wait.</summary>
    public int Lines => Volatile.Read(ref _lines);

    /// <summary>Bytes of them.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Ends when something is added next.</summary>
    public Task NextGrowth => Volatile.Read(ref _grown).Task;

    private string Marker => _path + ".acknowledged";

    /// <summary>Adds findings; they are on disk when this returns null.</summary>
    /// <param name="findings">All of them or none.</param>
    /// <param name="share">What of the room they may fill: what need not be recorded leaves some for what must.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    /// <returns>Why they are not recorded, for people.</returns>
    public async Task<string?> AddAsync(IEnumerable<Finding> findings, double share, CancellationToken cancellation)
    {
        if (_path is null)
        {
            return "the adapter has no directory for its journal";
        }

        string[] lines = [.. findings.Select(finding => JsonFormatter.Default.Format(finding))];
        var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
        if (Lines + lines.Length > MaxLines * share || Bytes + bytes.Length > MaxBytes * share)
        {
            return "the adapter's journal is full: the service has not taken its findings for too long";
        }

        await _one.WaitAsync(cancellation);
        try
        {
            // A disk that hangs holds one thread of its own, and nobody who waits for an answer.
            await Task.Run(() => Append(bytes, lines.Length), CancellationToken.None);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail(exception);
            return "the adapter's journal cannot be written";
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The oldest lines, and how far they reach.</summary>
    public async Task<(IReadOnlyList<string> Lines, long End)> ReadAsync(int most, int mostBytes, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            return _path is null ? ([], 0) : Read(most, mostBytes);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>What was read is done with.</summary>
    public async Task AcknowledgeAsync(int lines, long end, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            Acknowledge(lines, end);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _one.Dispose();
    }

    private void Append(byte[] bytes, int lines)
    {
        var file = Open();
        var start = file.Seek(0, SeekOrigin.End);
        try
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Half a line would spoil the next one.
            try
            {
                file.SetLength(start);
            }
            finally
            {
                // Opened anew it is looked at from the beginning, and half a line that could not be cut is ended.
                file.Dispose();
                _file = null;
            }

            throw;
        }

        Interlocked.Add(ref _lines, lines);
        Interlocked.Add(ref _bytes, bytes.Length);
        Interlocked.Exchange(ref _grown, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private (IReadOnlyList<string> Lines, long End) Read(int most, int mostBytes)
    {
        var file = Open();
        file.Seek(_acknowledged, SeekOrigin.Begin);
        var buffer = new byte[(int)Math.Min(mostBytes, file.Length - _acknowledged)];
        file.ReadExactly(buffer);
        var lines = new List<string>();
        var start = 0;
        while (lines.Count < most && Array.IndexOf(buffer, (byte)'\n', start) is >= 0 and var end)
        {
            lines.Add(Encoding.UTF8.GetString(buffer, start, end - start));
            start = end + 1;
        }

        // No finding is so long: something else wrote here, and it must not stop what comes behind it.
        return lines.Count == 0 && buffer.Length == mostBytes ? ([""], _acknowledged + buffer.Length) : (lines, _acknowledged + start);
    }

    private void Acknowledge(int lines, long end)
    {
        var file = Open();
        if (end >= file.Length)
        {
            // In this order: a crash in between reports again, and forgets nothing.
            Mark(0);
            file.SetLength(0);
            file.Flush(flushToDisk: true);
            _acknowledged = 0;
            Interlocked.Exchange(ref _lines, 0);
            Interlocked.Exchange(ref _bytes, 0);
        }
        else if (end > CompactAfter)
        {
            Compact(file, end);
        }
        else
        {
            Mark(end);
            _acknowledged = end;
            Interlocked.Add(ref _lines, -lines);
            Interlocked.Exchange(ref _bytes, file.Length - end);
        }
    }

    private void Compact(FileStream file, long end)
    {
        using (var rest = new FileStream(_path + ".new", FileMode.Create, FileAccess.Write))
        {
            file.Seek(end, SeekOrigin.Begin);
            file.CopyTo(rest);
            rest.Flush(flushToDisk: true);
        }

        Mark(0);
        File.Move(_path + ".new", _path!, overwrite: true);
        _file!.Dispose();
        _file = null;
        Open();
    }

    private void Mark(long position)
    {
        using (var marker = new FileStream(Marker + ".new", FileMode.Create, FileAccess.Write))
        {
            marker.Write(Encoding.ASCII.GetBytes(position.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            marker.Flush(flushToDisk: true);
        }

        File.Move(Marker + ".new", Marker, overwrite: true);
    }

    /// <summary>Opens it, once, and finds where it stands.</summary>
    private FileStream Open()
    {
        if (_file is not null || _path is null)
        {
            return _file!;
        }

        // Nobody else's: two writers would spoil each other's lines.
        var file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        try
        {
            var marked = File.Exists(Marker) && long.TryParse(File.ReadAllText(Marker), System.Globalization.CultureInfo.InvariantCulture, out var position) ? position : 0;
            // A mark beyond the end is none of this file: everything is reported again.
            _acknowledged = marked >= 0 && marked <= file.Length ? marked : 0;
            EndLine(file);
            Interlocked.Exchange(ref _lines, Count(file, _acknowledged));
            Interlocked.Exchange(ref _bytes, file.Length - _acknowledged);
            return _file = file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What a crash cut off must not swallow what comes next.</summary>
    private static void EndLine(FileStream file)
    {
        if (file.Length == 0)
        {
            return;
        }

        file.Seek(-1, SeekOrigin.End);
        if (file.ReadByte() != '\n')
        {
            file.Write("\n"u8);
            file.Flush(flushToDisk: true);
        }
    }

    private static int Count(FileStream file, long start)
    {
        var (buffer, lines) = (new byte[64 * 1024], 0);
        file.Seek(start, SeekOrigin.Begin);
        for (var length = file.Read(buffer); length > 0; length = file.Read(buffer))
        {
            lines += buffer.AsSpan(0, length).Count((byte)'\n');
        }

        return lines;
    }

    private void Fail(Exception exception) => LogFailed(_logger, exception.Message);

    [LoggerMessage(3231, LogLevel.Error, "The journal of findings cannot be written ({Error}); nothing is admitted that must be recorded")]
    private static partial void LogFailed(ILogger logger, string error);
}
