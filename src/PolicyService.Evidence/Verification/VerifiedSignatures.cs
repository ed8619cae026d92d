using System.Collections.Concurrent;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Evidence.Verification;

/// <summary>
/// Remembers what verifying a signature gave. That depends on nothing but payload, signature, form, key and algorithm, which are
/// the key of the memory: note, attestor, policy and time are judged anew at every decision, so a removed key counts no more at
/// once, and an expired one neither: what is remembered says when it holds, not whether it does.
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
    public VerificationResult Check(VerificationKey key, Attestation attestation, AttestationSignature signature)
    {
        if (attestation.Source is EvidenceSource.Inline)
        {
            // Callers choose what they send along: remembering it would let them fill the memory.
            return _verify(key, attestation, signature);
        }

        var question = Question.Of(key, attestation, signature);
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

    /// <summary>What verifying gave, if it was asked for lately; null: verify it. Of inline attestations nothing is remembered.</summary>
    internal VerificationResult? Recall(VerificationKey key, Attestation attestation, AttestationSignature signature) =>
        attestation.Source is not EvidenceSource.Inline && Volatile.Read(ref _memory).Young.TryGetValue(Question.Of(key, attestation, signature), out var result) ? result : null;

    private void Remember(Dictionaries memory, Question question, VerificationResult result)
    {
        if (memory.Young.TryAdd(question, result) && Interlocked.Increment(ref _count) >= _capacity / 2)
        {
            Interlocked.Exchange(ref _count, 0);
            Volatile.Write(ref _memory, new Dictionaries(new(), memory.Young));
        }
    }

    /// <param name="Payload">What is signed; of a JWT, what it says it carries.</param>
    /// <param name="Signature">The signature, or the whole JWT.</param>
    /// <param name="Format">As which of the two it is read.</param>
    /// <param name="Key">All of the key; of a PGP key the whole block, with its subkeys and their validity.</param>
    /// <param name="Algorithm">The declared algorithm; unspecified for a PGP key, which declares none, and never for another.</param>
    private readonly record struct Question(Digest Payload, Digest Signature, SignatureFormat Format, Digest Key, SignatureAlgorithm Algorithm)
    {
        public static Question Of(VerificationKey key, Attestation attestation, AttestationSignature signature) => new(
            attestation.PayloadHash, signature.Hash, signature.Format, key.Fingerprint, key is PublicKey pkix ? pkix.Algorithm : SignatureAlgorithm.Unspecified);
    }

    private sealed record Dictionaries(
        ConcurrentDictionary<Question, VerificationResult> Young, ConcurrentDictionary<Question, VerificationResult> Old);
}
