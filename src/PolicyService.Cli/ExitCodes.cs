using PolicyService.Api.V1;

namespace PolicyService.Cli;

/// <summary>What pipelines branch on (ARCHITECTURE section 4).</summary>
internal static class ExitCodes
{
    /// <summary>ALLOW or DRYRUN, whatever the conformance.</summary>
    public const int Admitted = 0;

    /// <summary>DENY because a requirement is not met.</summary>
    public const int Denied = 1;

    /// <summary>Wrong usage or invalid input: asking again does not help.</summary>
    public const int Usage = 2;

    /// <summary>DENY because of an error, or no answer: asking again may help.</summary>
    public const int NoDecision = 3;

    /// <summary>The code of one decision.</summary>
    public static int Of(EvaluateResponse response) => (response.Verdict, response.Conformance) switch
    {
        (Verdict.Allow or Verdict.Dryrun, _) => Admitted,
        (Verdict.Deny, Conformance.NonConformant) => Denied,
        _ => NoDecision,
    };

    /// <summary>The worst of several: 2 before 3 before 1 before 0.</summary>
    public static int Worst(IEnumerable<int> codes) => codes.MaxBy(Severity);

    private static int Severity(int code) => code switch
    {
        Admitted => 0,
        Denied => 1,
        Usage => 3,
        _ => 2,
    };
}
