using PolicyService.Core.Attestors;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;
using static PolicyService.Core.Tests.Verification.Jwt.TestJwt;

namespace PolicyService.Core.Tests.Verification.Jwt;

/// <summary>What a JWT may claim beside the simple-signing object, and when it holds.</summary>
[Trait("attack", "53")]
public sealed class JwtClaimsTests
{
    private const long Noon = 1_780_315_200; // 2026-06-01T12:00:00Z

    private static readonly TestKey Key = TestKey.Of(SignatureAlgorithm.Ed25519);
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(Noon);

    public static TheoryData<string> Accepted =>
    [
        "", ""","optional":{"creator":"gpg","exp":"never"}""", ""","optional":null""", ""","iss":"ci","sub":"image","jti":"1","iat":1780315200,"nbf":0,"exp":253402300799""", ""","exp":1.78e10""", ""","nbf":0.5""",
    ];

    public static TheoryData<string> Refused =>
    [
        ""","exp":"1980315200" """, ""","exp":null""", ""","exp":true""", ""","exp":-1""", ""","exp":253402300800""", ""","exp":1e400""", ""","exp":[1980315200]""", ""","nbf":"0" """, ""","nbf":{}""",
        ""","iat":"0" """, ""","iat":-1""", ""","exp":1980315200,"exp":1980315201""", ""","iss":1""", ""","sub":null""", ""","jti":[]""", ""","aud":"policyservice" """, ""","aud":[]""", ""","EXP":1980315200""", ""","scope":"x" """,
        ""","critical":{}""", ""","optional":"x" """,
    ];

    [Theory, MemberData(nameof(Accepted))]
    public void Registered_claims_may_stand_beside_the_payload(string claims) => Assert.True(Holds(claims, Now), claims);

    [Theory, MemberData(nameof(Refused))]
    public void Other_claims_and_types_are_refused(string claims) =>
        Assert.True(Verify(Key, Make(Key, claims: $"{{{Critical}{claims}}}")) is VerificationResult.Rejected { Reason: RejectionReason.PayloadInvalid }, claims);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"sub":"sha256:14c2529eb4498c5d1ffd6915d05bf58a91bdda796af59f41d480d11c099d0479"}""")]
    [InlineData("""{"critical":{"identity":{"docker-reference":"a.test/b"},"image":{},"type":"Google cloud binauthz container signature"}}""")]
    [InlineData("not JSON")]
    [InlineData("")]
    public void Token_without_a_digest_claim_is_refused(string claims) =>
        Assert.True(Verify(Key, Make(Key, claims: claims)) is VerificationResult.Rejected { Reason: RejectionReason.PayloadInvalid }, claims);

    [Fact]
    public void Exp_is_the_first_instant_at_which_the_token_does_not_hold()
    {
        Assert.True(Holds($",\"exp\":{Noon}", Now.AddTicks(-1)));
        Assert.False(Holds($",\"exp\":{Noon}", Now));
        Assert.False(Holds($",\"exp\":{Noon}.5", Now.AddMilliseconds(500)));
        Assert.True(Holds($",\"exp\":{Noon}.5", Now.AddMilliseconds(499)));
    }

    [Fact]
    public void Nbf_is_the_first_instant_at_which_the_token_holds()
    {
        Assert.False(Holds($",\"nbf\":{Noon}", Now.AddTicks(-1)));
        Assert.True(Holds($",\"nbf\":{Noon}", Now));
        Assert.False(Holds($",\"nbf\":{Noon},\"exp\":{Noon}", Now));
    }

    [Fact]
    public void Token_issued_in_the_future_does_not_hold_yet()
    {
        Assert.True(Holds($",\"iat\":{Noon + 300}", Now));
        Assert.False(Holds($",\"iat\":{Noon + 301}", Now));
    }

    private static bool Holds(string claims, DateTimeOffset at) =>
        Assert.Single(Assert.IsType<VerificationResult.Verified>(Verify(Key, Make(Key, claims: $"{{{Critical}{claims}}}"))).Periods).Contains(at);
}
