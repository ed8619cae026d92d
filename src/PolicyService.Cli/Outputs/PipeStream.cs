namespace PolicyService.Cli.Outputs;

/// <summary>Stdout cannot be written: it is closed, or where it leads is full. The message is the system's.</summary>
internal sealed class OutputException(string message, Exception cause) : Exception(message, cause);

/// <summary>
/// A pipe of this process to write to. A failure to write is told from the failures of files, because nothing else that the verb did was
/// wrong; of stderr it is passed over, because there is nobody left to tell, and the exit code still says what it means.
/// </summary>
internal sealed class PipeStream(Stream pipe, bool mayFail) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            pipe.Write(buffer);
        }
        catch (Exception exception) when (IsOfPipe(exception))
        {
            Fail(exception);
        }
    }

    public override void Flush()
    {
        try
        {
            pipe.Flush();
        }
        catch (Exception exception) when (IsOfPipe(exception))
        {
            Fail(exception);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>What the base library makes of a descriptor that is closed, or opened for reading by somebody else meanwhile.</summary>
    private static bool IsOfPipe(Exception exception) => exception is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException;

    private void Fail(Exception exception)
    {
        if (!mayFail)
        {
            throw new OutputException(exception is IOException ? exception.Message.TrimEnd('.') : "it is closed", exception);
        }
    }
}
