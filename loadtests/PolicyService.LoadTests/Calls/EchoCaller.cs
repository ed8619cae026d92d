namespace PolicyService.LoadTests.Calls;

/// <summary>Asks the echo: 305 bytes there, 200 bytes back.</summary>
internal sealed class EchoCaller(Http2Connection connection) : ICaller
{
    /// <summary>The method.</summary>
    public const string Path = "/policyservice.echo.v1.EchoService/Echo";

    private const int RequestBytes = 305;
    private const int ResponseBytes = 200;
    private static readonly byte[] Frame = MakeFrame();
    private static readonly MessageReader Reader = message => message.Length == ResponseBytes ? new Answer(1) : Answer.Wrong($"the echo has {message.Length} bytes");

    public int DecisionsPerCall => 1;

    public ValueTask<Answer> AskAsync(CancellationToken cancellation) => connection.CallAsync(Path, Frame, Reader, cancellation);

    private static byte[] MakeFrame()
    {
        // Field 1, length-delimited, of 302 bytes, which take two to write down.
        var frame = new byte[GrpcFrame.HeaderBytes + RequestBytes];
        var body = RequestBytes - 3;
        byte[] head = [0, 0, 0, RequestBytes >> 8, RequestBytes & 0xFF, 0x0A, (byte)((body & 0x7F) | 0x80), (byte)(body >> 7)];
        head.CopyTo(frame, 0);
        return frame;
    }
}
