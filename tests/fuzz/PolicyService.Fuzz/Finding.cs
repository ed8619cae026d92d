using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Fuzz;

/// <summary>A target saw a parser do what it must not. Any other exception that leaves a target is a finding too.</summary>
public sealed class FindingException(string message) : Exception(message);

internal static class Finding
{
    public static void Unless([DoesNotReturnIf(false)] bool holds, string what)
    {
        if (!holds)
        {
            throw new FindingException(what);
        }
    }
}
