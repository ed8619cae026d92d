using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PolicyService.Core;
using PolicyService.Core.Access;

namespace PolicyService.Server.Access.Tokens;

/// <summary>
/// Verifies bearer tokens: signed JWTs (RFC 7519, with the advice of RFC 8725). The unverified <c>iss</c> chooses the issuer; from then on only its
/// keys and its audience count. What is wrong is told without a word of the token.
/// </summary>
internal sealed class TokenVerifier(TrustedIssuers issuers, AuthenticationSettings settings, TimeProvider time)
{
    private const long LastSecond = 253_402_300_799; // of the year 9999, where DateTimeOffset ends

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Limits.Depth };

    private static readonly SearchValues<char> Characters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = Limits.BearerTokenBytes, MapInboundClaims = false };

    /// <summary>Tokens verified before.</summary>
    internal TokenCache Cache { get; } = new();

    public async ValueTask<TokenOutcome> VerifyAsync(string token, CancellationToken cancellation)
    {
        if (token.Length > Limits.BearerTokenBytes)
        {
            return Refused($"the token has more than {Limits.BearerTokenBytes} bytes");
        }

        var key = TokenCache.KeyOf(token);
        if (Cache.Find(key, time.GetUtcNow()) is { } known)
        {
            return new TokenOutcome(known, null);
        }

        var outcome = await VerifyNewAsync(token, cancellation);
        if (outcome.Token is not null)
        {
            Cache.Add(key, outcome.Token, time.GetUtcNow());
        }

        return outcome;
    }

    private static TokenOutcome Refused(string problem) => new(null, problem);

    private async ValueTask<TokenOutcome> VerifyNewAsync(string token, CancellationToken cancellation)
    {
        // Five would be an encrypted one: nobody but us could have said what is in it, and we have no key.
        var parts = token.Split('.');
        if (parts.Length != 3 || token.AsSpan().ContainsAnyExcept(Characters))
        {
            return Refused("the token is no signed JWT: it must be three parts with two dots between");
        }

        using var header = Read(parts[0]);
        using var claims = Read(parts[1]);
        if (header is null || claims is null)
        {
            return Refused("the token is no signed JWT: its header and its claims must be JSON objects in base64url");
        }

        try
        {
            return await VerifyAsync(token, header.RootElement, claims.RootElement, cancellation);
        }
        catch (InvalidOperationException)
        {
            // A text with half a character, which JSON allows and no text has.
            return Refused("the token is no signed JWT: one of its texts is no Unicode");
        }
    }

    private async ValueTask<TokenOutcome> VerifyAsync(string token, JsonElement header, JsonElement claims, CancellationToken cancellation)
    {
        if (TokenHeader.Read(header, out var problem) is not { } read)
        {
            return Refused(problem!);
        }

        if (Text(claims, "iss") is not { } name || issuers.Find(name) is not { } issuer)
        {
            return Refused("the token's issuer is none that this service trusts");
        }

        if (!TryTime(claims, "exp", out var end) || !TryTime(claims, "nbf", out var begin))
        {
            return Refused("the token's `exp` and `nbf` must be seconds since 1970");
        }

        var tried = issuer.Current;
        var key = await FindKeyAsync(token, read, issuer, tried);
        if (key is null)
        {
            await issuer.LookAgainAsync(cancellation);
            // The same keys once more would double what a forged token costs.
            key = ReferenceEquals(tried, issuer.Current) ? null : await FindKeyAsync(token, read, issuer, issuer.Current);
        }

        if (key is null)
        {
            return Refused(issuer.Current is null
                ? "the keys of the token's issuer cannot be read at the moment, so nobody can tell whether it signed: try again later"
                : "the token is not signed by a known key of its issuer");
        }

        // What a token says is told only to whoever has one that its issuer signed.
        if (ClaimsProblem(claims, issuer.Issuer, begin, end) is { } wrong)
        {
            return Refused(wrong);
        }

        return TokenMembers.Of(claims, issuer.Issuer) is { } members
            ? new TokenOutcome(new VerifiedToken(issuers, issuer, key, read.Algorithm, members, end!.Value, settings.ClockSkew), null)
            : Refused("the token has no `sub` of 1 to 255 ASCII characters: nobody can be named by it");
    }

    /// <summary>The key that verifies the signature; each is tried alone, so that it is known afterwards which it was.</summary>
    private async ValueTask<SigningKey?> FindKeyAsync(string token, TokenHeader header, IssuerKeys issuer, KeySet? keys)
    {
        foreach (var key in keys?.Candidates(header.KeyId, header.Algorithm) ?? [])
        {
            var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
            {
                IssuerSigningKey = key.Key,
                // Our choice of the key stands, whatever else the header says.
                TryAllIssuerSigningKeys = true,
                ValidAlgorithms = [header.Algorithm],
                RequireSignedTokens = true,
                ValidIssuer = issuer.Issuer.Issuer,
                // These have messages of their own, and come after the signature.
                ValidateAudience = false,
                ValidateLifetime = false,
                RequireExpirationTime = true,
                CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
            });
            if (result.IsValid)
            {
                return key;
            }
        }

        return null;
    }

    private string? ClaimsProblem(JsonElement claims, TrustedIssuer issuer, DateTimeOffset? begin, DateTimeOffset? end)
    {
        var now = time.GetUtcNow();
        return !HasAudience(claims, issuer.Audience) ? "the token is for another audience than this service"
            : end is null ? "the token has no `exp`: one that never expires does not count"
            : now - settings.ClockSkew >= end ? VerifiedToken.Expired(end.Value)
            : now + settings.ClockSkew < begin ? $"the token is not valid yet: it begins at {begin.Value.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}"
            : null;
    }

    /// <summary>One text, or a list with it (RFC 7519, section 4.1.3).</summary>
    private static bool HasAudience(JsonElement claims, string audience) => claims.TryGetProperty("aud", out var value) && value.ValueKind switch
    {
        JsonValueKind.String => value.GetString() == audience,
        JsonValueKind.Array => value.EnumerateArray().Any(item => item.ValueKind is JsonValueKind.String && item.GetString() == audience),
        _ => false,
    };

    /// <summary>A NumericDate; absent is true and null.</summary>
    private static bool TryTime(JsonElement claims, string name, out DateTimeOffset? read)
    {
        read = null;
        if (!claims.TryGetProperty(name, out var claim))
        {
            return true;
        }

        if (claim.ValueKind is not JsonValueKind.Number || !claim.TryGetDecimal(out var seconds) || seconds < 0 || seconds > LastSecond)
        {
            return false;
        }

        read = DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    /// <summary>A name that stands twice would leave open which counts, so the whole is refused.</summary>
    private static JsonDocument? Read(string part)
    {
        try
        {
            var document = JsonDocument.Parse(Base64Url.DecodeFromChars(part), Strict);
            if (document.RootElement.ValueKind is JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            return null;
        }
    }
}
