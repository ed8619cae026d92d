using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Policies;

/// <summary>Names of clusters and workloads that a request and the keys of specific rules share (SEMANTICS section 1).</summary>
public static class WorkloadNames
{
    private const string SpiffeScheme = "spiffe://";
    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>A DNS-1123 label: at most 63 lower-case letters, digits and inner hyphens.</summary>
    public static bool IsLabel(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= 63 && !text.ContainsAnyExcept(LabelCharacters) && text[0] != '-' && text[^1] != '-';

    /// <summary>A DNS-1123 subdomain: labels joined by dots, at most 253 characters.</summary>
    public static bool IsSubdomain(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > 253)
        {
            return false;
        }

        foreach (var label in text.Split('.'))
        {
            if (!IsLabel(text[label]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary><c>location.clusterId</c>: two DNS-1123 labels and the dot between them.</summary>
    public static bool IsCluster(ReadOnlySpan<char> text)
    {
        var dot = text.IndexOf('.');
        return dot > 0 && IsLabel(text[..dot]) && IsLabel(text[(dot + 1)..]);
    }

    /// <summary><c>namespace:serviceaccount</c>.</summary>
    public static bool IsServiceAccount(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        return colon > 0 && IsLabel(text[..colon]) && IsSubdomain(text[(colon + 1)..]);
    }

    /// <summary>
    /// Strips the optional scheme of <c>spiffe://domain/ns/NS/sa/SA</c>, so that a rule written with it and a request without meet.
    /// </summary>
    public static bool TryNormalizeIstioIdentity(string text, [NotNullWhen(true)] out string? identity)
    {
        var bare = text.StartsWith(SpiffeScheme, StringComparison.Ordinal) ? text[SpiffeScheme.Length..] : text;
        var valid = bare.Split('/') is [var domain, "ns", var space, "sa", var account]
            && IsSubdomain(domain) && IsLabel(space) && IsSubdomain(account);
        identity = valid ? bare : null;
        return valid;
    }
}
