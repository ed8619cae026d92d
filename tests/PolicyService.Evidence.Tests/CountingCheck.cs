using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Evidence.Tests;

/// <summary>The real verification, counted.</summary>
internal sealed class CountingCheck
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Told the number of each verification before it happens.</summary>
    public Action<int> OnVerify { get; set; } = _ => { };

    public VerificationResult Verify(PublicKey key, Attestation attestation, AttestationSignature signature)
    {
        OnVerify(Interlocked.Increment(ref _count));
        return AttestationVerifier.VerifySignature(key, attestation, signature);
    }
}
