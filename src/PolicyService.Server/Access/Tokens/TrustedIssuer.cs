namespace PolicyService.Server.Access.Tokens;

/// <summary>Somebody whose JWTs count.</summary>
/// <param name="Issuer">The exact <c>iss</c>.</param>
/// <param name="Audience">What <c>aud</c> must have.</param>
/// <param name="KeysFile">File of its keys; null: they come by OpenID Connect discovery.</param>
/// <param name="EmailDomains">Domains of addresses it may speak for, in lower case; null: all.</param>
/// <param name="Groups">It may say who is of which group.</param>
internal sealed record TrustedIssuer(string Issuer, string Audience, string? KeysFile, IReadOnlyList<string>? EmailDomains, bool Groups)
{
    private static readonly string[] Reserved = ["spiffe", "x509", "policyservice"];

    /// <summary>Its name in members: without <c>https://</c>.</summary>
    public string MemberName => NameOf(Issuer);

    /// <summary>Why nobody may be called so; null: somebody may.</summary>
    public static string? ProblemOf(string issuer, bool hasKeysFile)
    {
        var name = NameOf(issuer);
        // What stands before the first slash tells the kinds of principals apart.
        if (Reserved.Contains(name.Split('/')[0], StringComparer.OrdinalIgnoreCase))
        {
            return "members of that name are somebody else: take an issuer that is not called `spiffe`, `x509` or `policyservice`";
        }

        if (name.Length == 0 || issuer.Any(character => character is <= ' ' or > '~'))
        {
            return "write the exact `iss` of its tokens, without spaces";
        }

        return hasKeysFile || KeyDiscovery.IsAllowed(issuer)
            ? null
            // Whoever is on the way to the keys could sign for everybody.
            : "its keys are looked for there, so write an https:// URL (http:// only with a loopback address), or give a file of keys";
    }

    /// <summary>Same people, same tokens: what differs only in <see cref="EmailDomains"/> by identity is the same.</summary>
    public bool IsSame(TrustedIssuer other) =>
        (Issuer, Audience, KeysFile, Groups) == (other.Issuer, other.Audience, other.KeysFile, other.Groups)
        && (EmailDomains is null ? other.EmailDomains is null : other.EmailDomains is not null && EmailDomains.SequenceEqual(other.EmailDomains));

    private static string NameOf(string issuer) => issuer.StartsWith("https://", StringComparison.Ordinal) ? issuer["https://".Length..] : issuer;
}
