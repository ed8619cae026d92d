using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using PolicyService.Core;

namespace PolicyService.Server.Access.Tokens;

/// <summary>
/// Tokens that were verified, by their SHA-256, so that a caller who asks a thousand times costs one verification. Only what verified is kept, and
/// each use looks at time, issuer and key again.
/// </summary>
internal sealed class TokenCache
{
    private readonly ConcurrentDictionary<Key, VerifiedToken> _tokens = new();
    private int _count;

    /// <summary>How many there are.</summary>
    internal int Count => Volatile.Read(ref _count);

    public static Key KeyOf(string token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(token), hash);
        return new Key(new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..])), new UInt128(BitConverter.ToUInt64(hash[16..]), BitConverter.ToUInt64(hash[24..])));
    }

    /// <summary>The token if it still counts as it did.</summary>
    public VerifiedToken? Find(Key key, DateTimeOffset now)
    {
        if (!_tokens.TryGetValue(key, out var token))
        {
            return null;
        }

        if (token.ProblemAt(now) is null)
        {
            return token;
        }

        Remove(key);
        return null;
    }

    public void Add(Key key, VerifiedToken token, DateTimeOffset now)
    {
        if (Count >= Limits.VerifiedTokens)
        {
            foreach (var (old, kept) in _tokens)
            {
                if (kept.ProblemAt(now) is not null)
                {
                    Remove(old);
                }
            }
        }

        // Still full: all of them are in use, so which one goes does not matter, and each comes back for one verification.
        if (Count >= Limits.VerifiedTokens)
        {
            foreach (var (old, _) in _tokens.Take(Limits.VerifiedTokens / 8))
            {
                Remove(old);
            }
        }

        if (_tokens.TryAdd(key, token))
        {
            Interlocked.Increment(ref _count);
        }
    }

    private void Remove(Key key)
    {
        if (_tokens.TryRemove(key, out _))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    /// <summary>A SHA-256, in two halves.</summary>
    internal readonly record struct Key(UInt128 High, UInt128 Low);
}
