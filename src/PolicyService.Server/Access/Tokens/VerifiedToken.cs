using System.Globalization;

namespace PolicyService.Server.Access.Tokens;

/// <summary>A token whose signature and claims were right when it was looked at.</summary>
/// <param name="Issuers">All issuers.</param>
/// <param name="Issuer">Its own.</param>
/// <param name="Key">The key that verified it.</param>
/// <param name="Algorithm">With which <c>alg</c>.</param>
/// <param name="Members">Who its bearer is.</param>
/// <param name="Expires">Its <c>exp</c>.</param>
/// <param name="Skew">How far clocks may disagree.</param>
internal sealed record VerifiedToken(
    TrustedIssuers Issuers, IssuerKeys Issuer, SigningKey Key, string Algorithm, IReadOnlyList<string> Members, DateTimeOffset Expires, TimeSpan Skew)
    : ICredential
{
    public DateTimeOffset Until => Expires > DateTimeOffset.MaxValue - Skew ? DateTimeOffset.MaxValue : Expires + Skew;

    public string? ProblemAt(DateTimeOffset now) =>
        now >= Until ? Expired(Expires)
        : !Issuers.Has(Issuer) ? "the token's issuer is not trusted any more"
        : Issuer.Current?.Has(Key, Algorithm) is not true ? "the token is signed with a key that its issuer does not have any more: fetch a new one"
        : null;

    public static string Expired(DateTimeOffset expires) =>
        string.Create(CultureInfo.InvariantCulture, $"the token has expired, at {expires.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}: fetch a new one");
}

/// <summary>What became of a token: <see cref="Token"/>, or why it does not count. The reason quotes nothing of it.</summary>
internal readonly record struct TokenOutcome(VerifiedToken? Token, string? Problem);
