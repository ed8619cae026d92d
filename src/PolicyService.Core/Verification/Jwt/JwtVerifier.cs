using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using static PolicyService.Core.Verification.VerificationResult;

namespace PolicyService.Core.Verification.Jwt;

/// <summary>
/// Verifies a JWT with a key of the attestor. The key's declared algorithm decides which <c>alg</c> the token must have: the token
/// has no say in how it is verified.
/// </summary>
internal static class JwtVerifier
{
    public static VerificationResult Verify(PublicKey key, AttestationSignature signature)
    {
        if (!CompactJwt.TryParse(signature.Value.Span, out var jwt, out var problem))
        {
            return new Rejected(RejectionReason.SignatureInvalid, problem);
        }

        if (jwt.Header.KeyId != signature.KeyId)
        {
            return new Rejected(RejectionReason.SignatureInvalid, "the JWT's `kid` is not the id of the key");
        }

        if (jwt.Header.Algorithm != NameOf(key.Algorithm))
        {
            return new Rejected(RejectionReason.SignatureInvalid, $"the JWT's `alg` is not `{NameOf(key.Algorithm)}`, which the key's declared algorithm asks for");
        }

        if (!key.VerifyJws(signature.Value.Span[..jwt.SigningInputLength], jwt.Signature))
        {
            return new Rejected(RejectionReason.SignatureInvalid, "the JWT's signature does not verify");
        }

        return JwtClaims.TryParse(jwt.Payload, out var claims, out problem)
            ? new Verified(claims.Payload) { Periods = [claims.Period] }
            : new Rejected(RejectionReason.PayloadInvalid, problem);
    }

    /// <summary>The JWS name (RFC 7518, RFC 8037) of an attestor's algorithm. No attestor has one that is RS384 or PS384.</summary>
    private static string NameOf(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.RsaPss2048Sha256 or SignatureAlgorithm.RsaPss3072Sha256 or SignatureAlgorithm.RsaPss4096Sha256 => "PS256",
        SignatureAlgorithm.RsaPss4096Sha512 => "PS512",
        SignatureAlgorithm.RsaPkcs1With2048Sha256 or SignatureAlgorithm.RsaPkcs1With3072Sha256 or SignatureAlgorithm.RsaPkcs1With4096Sha256 => "RS256",
        SignatureAlgorithm.RsaPkcs1With4096Sha512 => "RS512",
        SignatureAlgorithm.EcdsaP256Sha256 => "ES256",
        SignatureAlgorithm.EcdsaP384Sha384 => "ES384",
        SignatureAlgorithm.EcdsaP521Sha512 => "ES512",
        SignatureAlgorithm.Ed25519 => "EdDSA",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "not a signature algorithm"),
    };
}
