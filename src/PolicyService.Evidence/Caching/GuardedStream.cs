using System.Diagnostics;

namespace PolicyService.Evidence.Caching;

/// <summary>
/// A connection to Redis whose replies are bounded. Where a rate is given, more is not read from the network than it allows: a flood of
/// messages then fills the sender's buffers, not our memory, and takes a bounded share of our time.
/// </summary>
internal sealed class GuardedStream(Stream inner, int maxReplyBytes, int? bytesPerSecond, TimeProvider time) : Stream
{
    private readonly RespGuard _guard = new(maxReplyBytes);
    private long _windowStart = time.GetTimestamp();
    private int _windowBytes;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="IOException">The server sends what no honest server would; the connection is of no more use.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await WaitForRateAsync(cancellationToken);
        var count = await inner.ReadAsync(buffer, cancellationToken);
        return Judged(buffer.Span, count);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // The library reads asynchronously only; a version that did not must not go round the guard.
    public override int Read(byte[] buffer, int offset, int count) => throw new UnreachableException();

    public override int Read(Span<byte> buffer) => throw new UnreachableException();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Judged(ReadOnlySpan<byte> buffer, int count)
    {
        _windowBytes += count;
        return _guard.Judge(buffer[..count]) is { } problem ? throw new IOException(problem) : count;
    }

    private async ValueTask WaitForRateAsync(CancellationToken cancellation)
    {
        if (bytesPerSecond is not { } rate || _windowBytes < rate / 10)
        {
            return;
        }

        var left = TimeSpan.FromSeconds(_windowBytes / (double)rate) - time.GetElapsedTime(_windowStart);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellation);
        }

        (_windowStart, _windowBytes) = (time.GetTimestamp(), 0);
    }
}
