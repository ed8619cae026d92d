namespace PolicyService.LoadTests.Processes;

/// <summary>The run cannot go on: what is said goes to standard error, and the code to whoever started it.</summary>
internal sealed class LoadTestException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="ExitCodes"/>.</summary>
    public int ExitCode => exitCode;
}

/// <summary>Exit codes of the load test; the same meaning as those of <c>policyctl</c> (ARCHITECTURE section 4) where they mean the same.</summary>
internal static class ExitCodes
{
    /// <summary>Every call was answered, and rightly. It says nothing about speed.</summary>
    public const int Ok = 0;

    /// <summary>Errors or wrong verdicts.</summary>
    public const int Failed = 1;

    /// <summary>Wrong usage.</summary>
    public const int Usage = 2;

    /// <summary>The target cannot be reached, or is no PolicyService; or a server of our own did not start.</summary>
    public const int NoTarget = 3;
}
