using System.Buffers.Text;
using System.Text;
using CsCheck;
using PolicyService.Core.Attestors;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Jwt;
using static PolicyService.Core.Tests.Verification.Jwt.TestJwt;

namespace PolicyService.Core.Tests.Verification.Jwt;

/// <summary>Signature and header of JWTs: the key's declared algorithm decides, the token has no say.</summary>
[Trait("attack", "53")]
public sealed class JwtVerifierTests
{
    private static readonly TestKey Key = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);

    public static TheoryData<string, string> BadHeaders => new()
    {
        { "not JSON", "x" },
        { "array", "[]" },
        { "empty", "{}" },
        { "no alg", """{"kid":"k"}""" },
        { "no kid", """{"alg":"ES256"}""" },
        { "kid is a number", """{"alg":"ES256","kid":1}""" },
        { "kid is no URI reference", """{"alg":"ES256","kid":"a b"}""" },
        { "alg is an array", """{"alg":["ES256"],"kid":"k"}""" },
        { "alg twice", """{"alg":"none","alg":"ES256","kid":"k"}""" },
        { "kid twice", """{"alg":"ES256","kid":"other","kid":"k"}""" },
        { "alg in other case", """{"ALG":"ES256","kid":"k"}""" },
        { "byte order mark", "\ufeff" + """{"alg":"ES256","kid":"k"}""" },
        { "comment", """{"alg":"ES256","kid":"k"/**/}""" },
        { "trailing value", """{"alg":"ES256","kid":"k"}{}""" },
        { "half a surrogate pair", """{"alg":"ES256","kid":"\ud800"}""" },
        { "half a surrogate pair in a name", """{"alg":"ES256","kid":"k","\ud800":1}""" },
        { "jwk", """{"alg":"ES256","kid":"k","jwk":{"kty":"EC"}}""" },
        { "jku", """{"alg":"ES256","kid":"k","jku":"https://evil.example.com"}""" },
        { "x5c", """{"alg":"ES256","kid":"k","x5c":["MII="]}""" },
        { "x5u", """{"alg":"ES256","kid":"k","x5u":"https://evil.example.com"}""" },
        { "crit", """{"alg":"ES256","kid":"k","crit":["exp"],"exp":1}""" },
        { "crit that is empty", """{"alg":"ES256","kid":"k","crit":[]}""" },
        { "b64", """{"alg":"ES256","kid":"k","b64":false}""" },
        { "zip", """{"alg":"ES256","kid":"k","zip":"DEF"}""" },
        { "nested", """{"alg":"ES256","kid":"k","cty":"JWT"}""" },
        { "typ of an access token", """{"alg":"ES256","kid":"k","typ":"at+jwt"}""" },
        { "typ is a number", """{"alg":"ES256","kid":"k","typ":1}""" },
    };

    [Theory, MemberData(nameof(TestKey.Algorithms), MemberType = typeof(TestKey))]
    public void Key_of_each_algorithm_signs(SignatureAlgorithm algorithm)
    {
        var verified = Assert.IsType<VerificationResult.Verified>(Verify(TestKey.Of(algorithm), Make(TestKey.Of(algorithm))));

        Assert.Equal("sha256:14c2529eb4498c5d1ffd6915d05bf58a91bdda796af59f41d480d11c099d0479", verified.Payload.Digest.ToString());
        Assert.Equal([ValidityPeriod.Always], verified.Periods);
    }

    [Theory]
    [InlineData("""{"alg":"ES256","kid":"k"}""")]
    [InlineData("""{"typ":"jwt","kid":"k","alg":"ES256"}""")]
    public void Header_may_leave_out_its_type(string header) => Assert.IsType<VerificationResult.Verified>(Verify(Key, Make(Key, header)));

    [Theory, MemberData(nameof(TestKey.Algorithms), MemberType = typeof(TestKey))]
    [Trait("attack", "51")]
    [Trait("attack", "52")]
    public void Only_the_algorithm_of_the_key_is_taken(SignatureAlgorithm algorithm)
    {
        string[] names = ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "ES256K", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "EdDSA", "Ed25519", "es256", "RS1"];
        var key = TestKey.Of(algorithm);
        foreach (var name in names.Where(name => name != NameOf(algorithm)))
        {
            // Truly signed with the key: only the name is wrong.
            AssertRejected("`alg`", Verify(key, Make(key, $$"""{"alg":"{{name}}","kid":"k"}""")));
        }
    }

    [Fact]
    public void Token_without_signature_is_refused()
    {
        foreach (var name in new[] { "none", "None", "nOnE" })
        {
            var unsigned = $"{Part($$"""{"alg":"{{name}}","kid":"k"}""")}.{Part(Claims)}.";
            AssertRejected("`alg`", Verify(Key, Encoding.ASCII.GetBytes(unsigned)));
        }

        AssertRejected("does not verify", Verify(Key, Encoding.ASCII.GetBytes($"{Part(Header(Key.Algorithm))}.{Part(Claims)}.")));
    }

    [Fact]
    public void Public_key_as_secret_of_an_HMAC_is_refused()
    {
        byte[][] secrets = [Encoding.ASCII.GetBytes(Key.Pem), TestKey.Der(Key.Pem), Encoding.ASCII.GetBytes(Key.Pem.Trim())];

        Assert.All(secrets, secret => AssertRejected("`alg`", Verify(Key, MakeHmac(secret, """{"alg":"HS256","kid":"k"}"""))));
        Assert.All(secrets, secret => AssertRejected("does not verify", Verify(Key, MakeHmac(secret, Header(Key.Algorithm)))));
    }

    [Theory, MemberData(nameof(BadHeaders))]
    public void Header_that_says_more_or_less_is_refused(string name, string header) =>
        Assert.True(Verify(Key, Make(Key, header)) is VerificationResult.Rejected { Reason: RejectionReason.SignatureInvalid }, name);

    [Fact]
    [Trait("attack", "48")]
    public void Kid_must_be_the_id_of_the_key()
    {
        AssertRejected("`kid`", Verify(Key, Make(Key, Header(Key.Algorithm, "other"))));
        AssertRejected("does not verify", Verify(Key, Make(TestKey.Of(SignatureAlgorithm.Ed25519), Header(Key.Algorithm))));
    }

    [Fact]
    public void Signature_in_DER_is_refused()
    {
        var input = $"{Part(Header(Key.Algorithm))}.{Part(Claims)}";
        var der = Key.Sign(Encoding.ASCII.GetBytes(input));

        AssertRejected("does not verify", Verify(Key, Encoding.ASCII.GetBytes($"{input}.{Base64Url.EncodeToString(der)}")));
    }

    [Theory]
    [InlineData(SignatureAlgorithm.EcdsaP256Sha256)]
    [InlineData(SignatureAlgorithm.Ed25519)]
    [InlineData(SignatureAlgorithm.RsaPss2048Sha256)]
    [InlineData(SignatureAlgorithm.RsaPkcs1With2048Sha256)]
    public void Every_flipped_bit_is_refused(SignatureAlgorithm algorithm)
    {
        var key = TestKey.Of(algorithm);
        var token = Make(key);

        for (var index = 0; index < token.Length * 8; index++)
        {
            var flipped = token.ToArray();
            flipped[index / 8] ^= (byte)(1 << (index % 8));
            Assert.True(Verify(key, flipped) is VerificationResult.Rejected, $"bit {index}");
        }
    }

    [Fact]
    public void Other_spellings_of_a_token_are_refused()
    {
        var token = Encoding.ASCII.GetString(Make(Key));
        var parts = token.Split('.');
        var last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".IndexOf(token[^1], StringComparison.Ordinal)) ^ 1];
        string[] spellings =
        [
            "", ".", "..", "...", parts[0], $"{parts[0]}.{parts[1]}", token + ".", "." + token, token + "." + parts[2], token + "=", token + "==", token + " ", token + "\n", " " + token,
            token + "A", token[..^1] + last, token.Replace("-", "+", StringComparison.Ordinal).Replace("_", "/", StringComparison.Ordinal) + "+", $"{parts[0]}\n.{parts[1]}.{parts[2]}",
            $"{parts[0]}.{parts[1]}=.{parts[2]}", $$"""{"payload":"{{parts[1]}}","protected":"{{parts[0]}}","signature":"{{parts[2]}}"}""", token[..^3], token + "\0",
        ];

        Assert.All(spellings, spelling => Assert.True(Verify(Key, Encoding.ASCII.GetBytes(spelling)) is VerificationResult.Rejected, spelling));
    }

    [Fact]
    public void Token_has_two_dots()
    {
        var token = Encoding.ASCII.GetString(Make(Key));

        Assert.All([token[..token.LastIndexOf('.')], token + ".", token.Replace(".", "..", StringComparison.Ordinal), token + ".e30"],
            other => AssertRejected("three parts", Verify(Key, Encoding.ASCII.GetBytes(other))));
    }

    [Fact]
    public void Header_that_ends_beyond_the_limit_is_not_read()
    {
        var fits = Part(Header(Key.Algorithm).PadRight((Limits.JwtBytes / 4 * 3) - 3));
        var longer = Part(Header(Key.Algorithm).PadRight(Limits.JwtBytes / 4 * 3));

        Assert.True(CompactJwt.TryReadHeader(Encoding.ASCII.GetBytes($"{fits}."), out _, out var problem), problem);
        Assert.False(CompactJwt.TryReadHeader(Encoding.ASCII.GetBytes($"{longer}."), out _, out _));
    }

    [Fact]
    public void Nested_token_is_refused()
    {
        var inner = Encoding.ASCII.GetString(Make(Key));

        Assert.True(Verify(Key, Make(Key, claims: inner)) is VerificationResult.Rejected { Reason: RejectionReason.PayloadInvalid });
        Assert.True(Verify(Key, Make(Key, claims: $"\"{inner}\"")) is VerificationResult.Rejected { Reason: RejectionReason.PayloadInvalid });
    }

    [Fact]
    public void Token_has_a_limit_at_its_edge()
    {
        var length = Make(Key, claims: $"{{{Critical},\"optional\":{{\"x\":\"\"}}}}").Length;
        var room = (Limits.JwtBytes - length) / 4 * 3;

        var fits = Make(Key, claims: $"{{{Critical},\"optional\":{{\"x\":\"{new string('x', room)}\"}}}}");
        var over = Make(Key, claims: $"{{{Critical},\"optional\":{{\"x\":\"{new string('x', room + 3)}\"}}}}");
        Assert.InRange(fits.Length, Limits.JwtBytes - 3, Limits.JwtBytes);
        Assert.IsType<VerificationResult.Verified>(Verify(Key, fits));
        AssertRejected("64 KiB", Verify(Key, over));
    }

    [Fact]
    [Trait("attack", "58")]
    public void Signature_over_the_claims_or_their_PAE_is_no_token()
    {
        var claims = Encoding.UTF8.GetBytes(Claims);
        foreach (var signature in new[] { Sign(Key, claims), Sign(Key, DssePae.Encode(DssePae.SimpleSigningType, claims)) })
        {
            AssertRejected("does not verify", Verify(Key, Encoding.ASCII.GetBytes($"{Part(Header(Key.Algorithm))}.{Part(Claims)}.{Base64Url.EncodeToString(signature)}")));
        }
    }

    [Fact]
    public void No_bytes_are_a_token()
    {
        Gen.Byte.Array.Sample(bytes => Verify(Key, bytes) is VerificationResult.Rejected, iter: 5_000, seed: "0000KOIPe036");
        Gen.String.Array[3].Sample(parts => Verify(Key, Encoding.UTF8.GetBytes(string.Join('.', parts))) is VerificationResult.Rejected, iter: 5_000, seed: "0000KOIPe036");
        Gen.String.Array[3].Sample(
            parts => Verify(Key, Encoding.ASCII.GetBytes(string.Join('.', parts.Select(Part)))) is VerificationResult.Rejected, iter: 5_000, seed: "0000KOIPe036");
        Gen.String.Sample(header => !CompactJwt.TryReadHeader(Encoding.UTF8.GetBytes(header + "."), out _, out _), iter: 5_000, seed: "0000KOIPe036");
    }

    private static void AssertRejected(string because, VerificationResult result)
    {
        var rejected = Assert.IsType<VerificationResult.Rejected>(result);
        Assert.Equal(RejectionReason.SignatureInvalid, rejected.Reason);
        Assert.Contains(because, rejected.Explanation, StringComparison.Ordinal);
    }
}
