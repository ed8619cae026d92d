using System.Buffers.Binary;
using System.Security.Cryptography;
using PolicyService.Evidence.Caching;
using PolicyService.Server.Caching;

namespace PolicyService.Server.Policies;

/// <summary>
/// The bell over a channel of Redis. Nothing in a message is believed: the most it can do is make this replica look at the documents
/// early, and <see cref="PollSignal"/> bounds how often. With a fleet key, what no replica of the fleet rang does not even do that.
/// </summary>
public sealed class RedisBell : IChangeBell
{
    private const int IdLength = 16;
    private const int SignedLength = IdLength + sizeof(long);
    private const int Length = SignedLength + HMACSHA256.HashSizeInBytes;

    /// <summary>A bell rung longer ago is a replay, of no use to anybody.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    private readonly RedisLink _link;
    private readonly PollSignal _signal;
    private readonly BellCounters _counters;
    private readonly TimeProvider _time;
    private readonly byte[]? _key;
    private readonly byte[] _id = RandomNumberGenerator.GetBytes(IdLength);

    public RedisBell(RedisLink link, RedisSetup setup, PollSignal signal, BellCounters counters, TimeProvider time)
    {
        (_link, _signal, _counters, _time) = (link, signal, counters, time);
        _key = setup.Fleet?.Derive(FleetKeyPurpose.Bell);
        Channel = setup.Fleet is null ? "ps:1:bell" : $"ps:1:bell:{Convert.ToHexStringLower(setup.Fleet.Derive(FleetKeyPurpose.Channel).AsSpan(0, 8))}";
    }

    /// <summary>The channel of this fleet.</summary>
    internal string Channel { get; }

    public void Listen() => _link.Subscribe(Channel, Hear);

    public void Ring()
    {
        _counters.Count(BellOutcome.Rung);
        _link.Publish(Channel, Message());
    }

    internal byte[] Message()
    {
        var message = new byte[Length];
        _id.CopyTo(message, 0);
        BinaryPrimitives.WriteInt64BigEndian(message.AsSpan(IdLength), _time.GetUtcNow().ToUnixTimeMilliseconds());
        Mac(message).CopyTo(message, SignedLength);
        return message;
    }

    internal void Hear(ReadOnlyMemory<byte> message)
    {
        if (message.Length == Length && message.Span[..IdLength].SequenceEqual(_id))
        {
            // What this replica rang itself it has already seen.
            return;
        }

        var outcome = Judge(message.Span);
        _counters.Count(outcome);
        if (outcome is BellOutcome.Heard)
        {
            _signal.Raise();
        }
    }

    private BellOutcome Judge(ReadOnlySpan<byte> message)
    {
        if (_key is null)
        {
            return BellOutcome.Heard;
        }

        if (message.Length != Length || !CryptographicOperations.FixedTimeEquals(Mac(message), message[SignedLength..]))
        {
            return BellOutcome.Forged;
        }

        var age = _time.GetUtcNow().ToUnixTimeMilliseconds() - BinaryPrimitives.ReadInt64BigEndian(message[IdLength..]);
        return Math.Abs(age) > MaxAge.TotalMilliseconds ? BellOutcome.Old : BellOutcome.Heard;
    }

    /// <summary>Without a fleet key the messages have the same form, and bytes that nobody looks at.</summary>
    private byte[] Mac(ReadOnlySpan<byte> message) =>
        _key is null ? new byte[HMACSHA256.HashSizeInBytes] : HMACSHA256.HashData(_key, message[..SignedLength]);
}
