using System.Net;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Access;

/// <summary>Reads the issuers of the access file, and checks the one of the flags.</summary>
public static class IssuerParser
{
    /// <summary>First parts of members that mean something else.</summary>
    private static readonly string[] Reserved = ["spiffe", "x509", "policyservice"];

    /// <summary>Whether a text can be the name of an issuer.</summary>
    /// <param name="text">As <c>iss</c> has it.</param>
    /// <param name="issuer">The same.</param>
    /// <param name="problem">What to write.</param>
    public static bool ParseIssuer(string text, out string issuer, out string problem)
    {
        (issuer, problem) = (text, "write https://<host>, or http:// with a loopback address; its host may not be spiffe, x509 or policyservice");
        if (text.Length > Limits.LongStringBytes || text.AsSpan().ContainsAnyExceptInRange('!', '~') || !Uri.TryCreate(text, UriKind.Absolute, out var uri))
        {
            return false;
        }

        var isWeb = text.StartsWith("https://", StringComparison.Ordinal)
            || (text.StartsWith("http://", StringComparison.Ordinal) && IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
        return isWeb && uri.UserInfo.Length == 0 && !text.AsSpan().ContainsAny('?', '#', '\\') && !text.Contains('%', StringComparison.Ordinal)
            // Its subjects would be called what certificates and projects are called.
            && !Reserved.Contains(uri.Host, StringComparer.OrdinalIgnoreCase);
    }

    internal static IReadOnlyList<TrustedIssuer> Read(MappingReader file)
    {
        var issuers = file.Mappings("issuers", ReadOne);
        if (issuers.Count > Limits.AccessIssuers)
        {
            file.Problems.Error(file.MarkOf("issuers"), $"there are {issuers.Count} issuers, more than {Limits.AccessIssuers}", "remove those that nobody needs");
        }

        if (issuers.GroupBy(issuer => issuer.Authority, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            // Which audience and which keys count must not depend on the order.
            file.Problems.Error(file.MarkOf("issuers"), $"the issuer `{Shown.Value(twice.Key)}` stands twice", "keep one of the two");
        }

        return issuers;
    }

    private static TrustedIssuer? ReadOne(MappingReader reader)
    {
        var issuer = reader.Required<string>("issuer", ParseIssuer, "write the issuer as `iss` has it");
        var audience = reader.Required<string>("audience", ParseText, "write what `aud` must hold");
        var keys = reader.Value<string>("keysFile", ParseText);
        var domains = reader.Values<string>("emailDomains", ParseDomain);
        var groups = reader.Boolean("groups");
        return issuer is null || audience is null ? null : new TrustedIssuer(issuer, audience) { KeysFile = keys, EmailDomains = domains, Groups = groups };
    }

    private static bool ParseText(string text, out string value, out string problem)
    {
        (value, problem) = (text, $"write 1 to {Limits.LongStringBytes} characters");
        return text.Length is > 0 and <= Limits.LongStringBytes;
    }

    private static bool ParseDomain(string text, out string domain, out string problem)
    {
        (domain, problem) = (text, "write a domain in lower case, such as example.com");
        return Policies.WorkloadNames.IsSubdomain(text);
    }
}
