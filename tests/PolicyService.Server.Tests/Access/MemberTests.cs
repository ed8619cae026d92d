using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using PolicyService.Core.Access;
using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Access.Tokens;

namespace PolicyService.Server.Tests.Access;

/// <summary>Who callers are by what they show (the table of docs/access.md).</summary>
public sealed class MemberTests
{
    private static readonly TrustedIssuer Everybody = new("https://issuer.example", "policyservice") { AnyDomain = true, Groups = true };

    private static readonly TrustedIssuer Limited = new("https://issuer.example", "policyservice") { EmailDomains = ["example.com"] };

    public static TheoryData<string, string, string[]> Claims => new()
    {
        { "a subject", """{"sub":"abc"}""", ["principal://issuer.example/subject/abc"] },
        { "a subject with a slash", """{"sub":"system:serviceaccount:a/b%2F"}""", ["principal://issuer.example/subject/system:serviceaccount:a%2Fb%252F"] },
        { "an address", """{"sub":"a","email":"Bob@Example.COM","email_verified":true}""", ["principal://issuer.example/subject/a", "user:bob@example.com"] },
        { "an address nobody verified", """{"sub":"a","email":"bob@example.com","email_verified":false}""", ["principal://issuer.example/subject/a"] },
        { "an address without a word on it", """{"sub":"a","email":"bob@example.com"}""", ["principal://issuer.example/subject/a"] },
        { "a text for true", """{"sub":"a","email":"bob@example.com","email_verified":"true"}""", ["principal://issuer.example/subject/a"] },
        { "a service account", """{"sub":"a","email":"ci@acme.iam.gserviceaccount.com","email_verified":true}""", ["principal://issuer.example/subject/a", "serviceAccount:ci@acme.iam.gserviceaccount.com"] },
        { "nearly a service account", """{"sub":"a","email":"ci@evilgserviceaccount.com","email_verified":true}""", ["principal://issuer.example/subject/a", "user:ci@evilgserviceaccount.com"] },
        { "two at-signs", """{"sub":"a","email":"a@b@example.com","email_verified":true}""", ["principal://issuer.example/subject/a"] },
        { "a letter that looks alike", """{"sub":"a","email":"bob@\u212Aexample.com","email_verified":true}""", ["principal://issuer.example/subject/a"] },
        { "groups", """{"sub":"a","groups":["x","y","x",7,"","a\nb"]}""", ["principal://issuer.example/subject/a", "group:x", "group:y"] },
        { "one group", """{"sub":"a","groups":"X"}""", ["principal://issuer.example/subject/a", "group:X"] },
    };

    [Theory, MemberData(nameof(Claims))]
    public void Token_gives_members(string name, string claims, string[] members)
    {
        using var document = JsonDocument.Parse(claims);

        Assert.Equal(members, TokenMembers.Of(document.RootElement, Everybody)!);
        Assert.NotNull(name);
    }

    [Theory]
    [InlineData("bob@example.com", true)]
    [InlineData("bob@EXAMPLE.com", true)]
    [InlineData("bob@sub.example.com", false)]
    [InlineData("bob@example.com.evil", false)]
    [InlineData("bob@evilexample.com", false)]
    public void Issuer_of_the_access_file_speaks_for_its_domains_alone(string address, bool speaks)
    {
        using var document = JsonDocument.Parse($$"""{"sub":"a","email":"{{address}}","email_verified":true,"groups":["admins"]}""");

        Assert.Equal(speaks ? 2 : 1, TokenMembers.Of(document.RootElement, Limited)!.Count);
    }

    public static TheoryData<string, string> Names => new()
    {
        { "CN=a", "CN=a" },
        { "CN=a, O=b, C=US", "CN=a,O=b,C=US" },
        { "CN=\"a,b+c;d<e>f\"", "CN=a\\,b\\+c\\;d\\<e\\>f" },
        { "CN=\"#a\"", "CN=\\#a" },
        { "CN=\" a \"", "CN=\\ a\\ " },
        { "CN=a\\b", "CN=a\\\\b" },
        { "DC=example, DC=com", "DC=example,DC=com" },
        { "SERIALNUMBER=7", "2.5.4.5=#130137" },
    };

    [Theory, MemberData(nameof(Names))]
    public void Subject_is_written_as_RFC_4514_does(string name, string written) =>
        Assert.Equal(written, DistinguishedName.Write(new X500DistinguishedName(name).RawData));

    [Fact]
    public void Several_values_of_one_part_are_joined_by_a_plus()
    {
        var writer = new AsnWriter(AsnEncodingRules.BER);
        using (writer.PushSequence())
        {
            using (writer.PushSetOf())
            {
                foreach (var (type, text) in new[] { ("2.5.4.3", "a"), ("2.5.4.11", "b\u0001") })
                {
                    using (writer.PushSequence())
                    {
                        writer.WriteObjectIdentifier(type);
                        writer.WriteCharacterString(UniversalTagNumber.UTF8String, text);
                    }
                }
            }
        }

        Assert.Contains(DistinguishedName.Write(writer.Encode()), new[] { "CN=a+OU=b\\01", "OU=b\\01+CN=a" });
    }
}
