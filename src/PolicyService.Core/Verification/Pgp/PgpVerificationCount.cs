namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// Counts the verifications with a public key that judging one key block takes, and the looks at what a revocation at a wrong place may
/// be about, so that no block takes many: each signature costs its writer nothing and up to a millisecond here. Beyond the limit none is done, and nothing judged with this count may be believed.
/// </summary>
internal sealed class PgpVerificationCount
{
    /// <summary>How many were asked for.</summary>
    public int Value { get; private set; }

    public bool IsBeyondLimit => Value > Limits.PgpKeyVerifications;

    /// <summary>Whether one more may be done.</summary>
    public bool TryTake()
    {
        Value++;
        return !IsBeyondLimit;
    }
}
