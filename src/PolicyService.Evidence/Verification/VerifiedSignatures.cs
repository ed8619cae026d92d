using System.Collections.Concurrent;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Evidence.Verification;

/// <summary>
/// Remembers what verifying a signature gave. That depends on nothing but payload, signature, key and algorithm, which are the
/// key of the memory: note, attestor, policy and time are judged anew at every decision, so a removed key counts no more at once.
/// </summary>
public sealed class VerifiedSignatures
{
    /// <summary>Entries after which the older half is forgotten.</summary>
    private const int Capacity = 100_000;

    private readonly SignatureCheck _verify;
    private readonly int _capacity;
    private Dictionaries _memory = new(new(), new());
    private int _count;

    public VerifiedSignatures()
        : this(AttestationVerifier.VerifySignature, Capacity)
    {
    }

    internal VerifiedSignatures(SignatureCheck verify, int capacity) => (_verify, _capacity) = (verify, capacity);

    /// <summary>Entries held now.</summary>
    internal int Count
    {
        get
        {
            var memory = Volatile.Read(ref _memory);
            return memory.Young.Count + memory.Old.Count;
        }
    }

    /// <summary>Verifies, or remembers. The result is the same either way.</summary>
    public VerificationResult Check(PublicKey key, Attestation attestation, AttestationSignature signature)
    {
        if (attestation.Source is EvidenceSource.Inline)
        {
            // Callers choose what they send along: remembering it would let them fill the memory.
            return _verify(key, attestation, signature);
        }

        var question = new Question(attestation.PayloadHash, signature.Hash, key.Fingerprint, key.Algorithm);
        var memory = Volatile.Read(ref _memory);
        if (memory.Young.TryGetValue(question, out var result))
        {
            return result;
        }

        if (!memory.Old.TryGetValue(question, out result))
        {
            result = _verify(key, attestation, signature);
        }

        Remember(memory, question, result);
        return result;
    }

    private void Remember(Dictionaries memory, Question question, VerificationResult result)
    {
        if (memory.Young.TryAdd(question, result) && Interlocked.Increment(ref _count) >= _capacity / 2)
        {
            Interlocked.Exchange(ref _count, 0);
            Volatile.Write(ref _memory, new Dictionaries(new(), memory.Young));
        }
    }

    private readonly record struct Question(Digest Payload, Digest Signature, Digest Key, SignatureAlgorithm Algorithm);

    private sealed record Dictionaries(
        ConcurrentDictionary<Question, VerificationResult> Young, ConcurrentDictionary<Question, VerificationResult> Old);
}
