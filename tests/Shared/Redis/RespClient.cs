using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PolicyService.Tests.Redis;

/// <summary>Asks a real Redis one thing after the other; shares no code with the client under test.</summary>
internal sealed class RespClient : IDisposable
{
    private readonly TcpClient _client = new();
    private readonly BufferedStream _stream;

    public RespClient(int port, string? password = null)
    {
        _client.Connect(IPAddress.Loopback, port);
        _stream = new BufferedStream(_client.GetStream());
        if (password is not null)
        {
            Assert.Equal("OK", Ask("AUTH", password));
        }
    }

    /// <returns>Text, number (as long), array (as list), null, or an error as text with <c>-</c> before it.</returns>
    public object? Ask(params string[] command)
    {
        Send([.. command.Select(Encoding.Latin1.GetBytes)]);
        return Read();
    }

    public object? Set(string key, byte[] value)
    {
        Send([Encoding.Latin1.GetBytes("SET"), Encoding.Latin1.GetBytes(key), value]);
        return Read();
    }

    public byte[] Get(string key) => Encoding.Latin1.GetBytes($"{Ask("GET", key)}");

    public object? Read()
    {
        var line = ReadLine();
        switch (line[0])
        {
            case '+':
                return line[1..];
            case ':':
                return long.Parse(line[1..], CultureInfo.InvariantCulture);
            case '$' when line == "$-1":
                return null;
            case '$':
                var bytes = new byte[int.Parse(line[1..], CultureInfo.InvariantCulture) + 2];
                _stream.ReadExactly(bytes);
                return Encoding.Latin1.GetString(bytes, 0, bytes.Length - 2);
            case '*':
                return Enumerable.Range(0, int.Parse(line[1..], CultureInfo.InvariantCulture)).Select(_ => Read()).ToList();
            default:
                return line;
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _client.Dispose();
    }

    private void Send(byte[][] command)
    {
        _stream.Write(Encoding.Latin1.GetBytes($"*{command.Length}\r\n"));
        foreach (var part in command)
        {
            _stream.Write(Encoding.Latin1.GetBytes($"${part.Length}\r\n"));
            _stream.Write(part);
            _stream.Write("\r\n"u8);
        }

        _stream.Flush();
    }

    private string ReadLine()
    {
        var line = new StringBuilder();
        while (_stream.ReadByte() is var next && next != '\r')
        {
            line.Append(next >= 0 ? (char)next : throw new EndOfStreamException());
        }

        _stream.ReadByte();
        return line.ToString();
    }
}
