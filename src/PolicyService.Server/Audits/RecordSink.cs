using Microsoft.Win32.SafeHandles;

namespace PolicyService.Server.Audits;

/// <summary>Where records go. One writer at a time.</summary>
public interface IRecordSink : IDisposable
{
    /// <summary>Writes whole lines; on failure nothing of them stays behind where that can be had.</summary>
    void Write(ReadOnlySpan<byte> lines);

    /// <summary>Returns when everything written so far would survive the loss of power, as far as the sink can promise it.</summary>
    void MakeDurable();
}

/// <summary>A file that only grows.</summary>
public sealed class FileRecordSink(string path) : IRecordSink
{
    private FileStream? _file;

    public void Write(ReadOnlySpan<byte> lines)
    {
        // Opened anew after a failure and after a rotation, so that a mended disk or a moved file needs no restart. Looked for before every
        // write: groups are few, and a record in a file that was moved away is one that its reader misses.
        if (_file is not null && !IsCurrent(_file))
        {
            _file.Dispose();
            _file = null;
        }

        _file ??= new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var start = _file.Seek(0, SeekOrigin.End);
        try
        {
            _file.Write(lines);
        }
        catch (Exception exception) when (exception is IOException or ArgumentOutOfRangeException)
        {
            // Half a line on a full disk would spoil the next one.
            try
            {
                _file.SetLength(start);
            }
            finally
            {
                // Also where nothing can be cut: else a device swapped for a file would be written to for ever.
                _file.Dispose();
                _file = null;
            }

            // The base library reports a file that may grow no more as a wrong argument.
            throw exception as IOException ?? new IOException(exception.Message, exception);
        }
    }

    public void MakeDurable() => _file?.Flush(flushToDisk: true);

    public void Dispose() => _file?.Dispose();

    private bool IsCurrent(FileStream file)
    {
        var info = new FileInfo(path);
        return info.Exists && info.Length == file.Length;
    }
}

/// <summary>Standard output, for platforms that collect it. Durable means handed over.</summary>
public sealed class StandardOutputSink : IRecordSink
{
    private readonly Stream _stream = Open();

    public void Write(ReadOnlySpan<byte> lines) => _stream.Write(lines);

    public void MakeDurable() => _stream.Flush();

    public void Dispose() => _stream.Dispose();

    /// <summary>The console's own stream passes over a closed pipe in silence; a plain one tells.</summary>
    private static Stream Open()
    {
        var plain = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return plain.CanSeek ? Console.OpenStandardOutput() : plain;
    }
}
