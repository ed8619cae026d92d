using PolicyService.Evidence.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>What a registry writes beside a 401 is read, or it is not (ATTACK 80).</summary>
public sealed class AuthChallengeTests
{
    public static TheoryData<string, string> Read => new()
    {
        { "Bearer realm=\"https://auth.example.com/token\",service=\"registry.example.com\",scope=\"repository:a:pull,push\"", "https://auth.example.com/token registry.example.com" },
        { "bearer Realm=a-b/c", "a-b/c " },
        { "Bearer realm=https://auth.example.com/token", "none" },
        { "  ,, Bearer\trealm = \"https://a/\" , service = s", "https://a/ s" },
        { "Bearer realm=\"a\\\"b\\\\c\"", "a\"b\\c " },
        { "Bearer realm=\"a,b\", Basic realm=\"c\"", "a,b " },
        { "Basic realm=\"c\", Bearer realm=\"a\"", "a " },
        { "Basic realm=\"c\"", "basic" },
        { "basic", "basic" },
        { "Negotiate, NTLM, Basic", "basic" },
        { "Negotiate YII==, Bearer realm=\"a\"", "a " },
        { "Negotiate YIIabc/+, Bearer realm=\"a\"", "a " },
        { "Digest realm=\"d\", qop=\"auth, auth-int\", Bearer realm=\"a\"", "a " },
        { "Bearer realm=\"a\"\nBasic", "a " },
        { "Basic\nBearer realm=\"a\"", "a " },
        { "", "none" },
        { "Bearer", "none" },
        { "Bearer service=\"s\"", "none" },
        { "Bearer realm=\"a", "none" },
        { "Bearer realm=\"a\\", "none" },
        { "Bearer realm=\"a\", realm=\"b\"", "none" },
        { "Bearer realm=\"a\", service=\"s\", SERVICE=\"t\"", "none" },
        { "realm=\"a\"", "none" },
        { "=, =", "none" },
        { "Negotiate", "none" },
        { "Bearer x", "none" },
        { $"Bearer realm=\"{new string('a', 4096)}\"", "none" },
        { $"Bearer realm=\"a\"{string.Concat(Enumerable.Range(0, 20).Select(number => $", p{number}=1"))}", "none" },
        { string.Concat(Enumerable.Repeat("Negotiate, ", 16)) + "Bearer realm=\"a\"", "none" },
        { "Bearer é realm=\"a\"", "none" },
    };

    [Theory, MemberData(nameof(Read)), Trait("attack", "80")]
    public void Challenge_is_read(string headers, string expected)
    {
        var challenge = AuthChallenge.Choose(headers.Split('\n'));
        Assert.Equal(expected, challenge is null ? "none" : challenge.IsBasic ? "basic" : $"{challenge.Realm} {challenge.Service}");
    }

    [Fact, Trait("attack", "80")]
    public void Any_bytes_are_read_to_their_end()
    {
        var random = new Random(80);
        const string Characters = "aB=\",\\ \t/;é\0Bearer";
        for (var number = 0; number < 20_000; number++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(60)).Select(_ => Characters[random.Next(Characters.Length)])]);
            AuthChallenge.Choose([text, "Bearer " + text]);
            LinkHeader.Next([text, "<" + text], out _);
        }
    }

    [Theory, Trait("attack", "78")]
    [InlineData("</v2/a?last=1>; rel=\"next\"", "/v2/a?last=1")]
    [InlineData("</v2/a>;rel=next", "/v2/a")]
    [InlineData("</v2/p>; rel=\"prev\", </v2/a,b>; title=\"x, y\"; REL=\"next\"", "/v2/a,b")]
    [InlineData("</v2/p>; rel=prev\n</v2/a>; rel=next", "/v2/a")]
    [InlineData("</v2/p>; rel=\"prev\"", "none")]
    [InlineData("", "none")]
    [InlineData("/v2/a; rel=next", "malformed")]
    [InlineData("</v2/a; rel=next", "malformed")]
    [InlineData("</v2/a>; rel=\"next", "malformed")]
    public void Link_is_read(string headers, string expected)
    {
        var next = LinkHeader.Next(headers.Split('\n'), out var target);
        Assert.Equal(expected, next switch { true => target, false => "malformed", null => "none" });
    }
}
