using System.Buffers;

namespace PolicyService.Server.Access.Certificates;

/// <summary>The grammar of SPIFFE ids (SPIFFE-ID, section 2), of which each has one spelling.</summary>
internal static class SpiffeId
{
    public const string Scheme = "spiffe://";

    private const int MaxBytes = 2048;
    private const int MaxDomain = 255;

    private static readonly SearchValues<char> DomainCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_");
    private static readonly SearchValues<char> PathCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");

    /// <summary>It is the id of a workload: one with a path. One without is the trust domain itself.</summary>
    public static bool IsWorkload(string text)
    {
        if (text.Length > MaxBytes || !text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }

        var parts = text[Scheme.Length..].Split('/');
        return parts is [{ Length: > 0 and <= MaxDomain } domain, _, ..]
            && !domain.AsSpan().ContainsAnyExcept(DomainCharacters)
            && parts.Skip(1).All(segment => segment is not ("" or "." or "..") && !segment.AsSpan().ContainsAnyExcept(PathCharacters));
    }
}
