using System.Buffers.Text;
using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Jwt;

namespace PolicyService.Fuzz.Targets;

/// <summary>
/// JWTs, and by themselves the JSON of their header and of their claims: a token has one spelling, and none verifies but the ones
/// that were signed.
/// </summary>
internal static class JwtTarget
{
    private static readonly Lazy<IReadOnlyList<AttestorKey>> Keys = new(() =>
        ((Attestor)DocumentFiles.Parse(new DocumentPlace(DocumentKind.Attestor, ""), Seed.Known("attestor").Single(), new ProblemList("known.yaml"))!).Keys);

    private static readonly Lazy<HashSet<string>> Signed = new(() => [.. Seed.Known("jwt").Select(Encoding.ASCII.GetString)]);

    public static void Check(byte[] input)
    {
        CheckToken(input);
        CheckClaims(input);
        var isHeader = JwtHeader.TryParse(input, out var header, out var problem);
        Finding.Unless(isHeader == (header is not null) && isHeader == (problem is null), "neither a header nor a problem, or both");
    }

    private static void CheckToken(byte[] token)
    {
        var isTaken = CompactJwt.TryParse(token, out var jwt, out var problem);
        Finding.Unless(isTaken == (jwt is not null) && isTaken == (problem is null), "neither a token nor a problem, or both");
        var hasHeader = CompactJwt.TryReadHeader(token, out var header, out problem);
        Finding.Unless(hasHeader == (header is not null) && hasHeader == (problem is null), "neither a header nor a problem, or both");
        if (jwt is not null)
        {
            Finding.Unless(jwt.Header == header, "the header read by itself is another");
            var spelling = $"{Encoding.ASCII.GetString(token.AsSpan(0, token.AsSpan().IndexOf((byte)'.')))}.{Base64Url.EncodeToString(jwt.Payload)}.{Base64Url.EncodeToString(jwt.Signature)}";
            Finding.Unless(Encoding.ASCII.GetString(token) == spelling, "the token has another spelling");
            Finding.Unless(jwt.SigningInputLength == spelling.LastIndexOf('.'), "the signature covers other bytes");
            CheckClaims(jwt.Payload);
        }

        foreach (var key in Keys.Value)
        {
            var signature = new AttestationSignature(key.Id, token, SignatureFormat.Jwt);
            var attestation = new Attestation([], [signature]) { Source = EvidenceSource.Inline };
            if (AttestationVerifier.VerifySignature(key.Key!, attestation, signature) is VerificationResult.Verified)
            {
                Finding.Unless(jwt is not null && jwt.Header.KeyId == key.Id, "a token verifies with a key it does not name");
                Finding.Unless(Signed.Value.Contains(Encoding.ASCII.GetString(token)), "a token verifies that nobody signed");
            }
        }
    }

    private static void CheckClaims(byte[] json)
    {
        var isTaken = JwtClaims.TryParse(json, out var claims, out var problem);
        Finding.Unless(isTaken == (claims is not null) && isTaken == (problem is null), "neither claims nor a problem, or both");
        if (claims is not null)
        {
            PayloadTarget.CheckPayload(json, claims.Payload);
            Finding.Unless(!claims.Period.Contains(claims.Period.Until), "the token holds when it has expired");
            Finding.Unless(claims.Period.Explain(DateTimeOffset.UnixEpoch).Length > 0, "no word of when the token holds");
        }
    }
}
