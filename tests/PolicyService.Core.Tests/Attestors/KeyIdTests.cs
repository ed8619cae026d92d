using CsCheck;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Tests.Attestors;

public sealed class KeyIdTests
{
    public static TheoryData<string, string> Accepted => new()
    {
        { "PKIX default", "ni:///sha-256;cD9o9Cq6LG3jD0iKXqEi_vdjJGecm_iXkbqVoScViaU" },
        { "KMS", "//cloudkms.googleapis.com/v1/projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1" },
        { "KMS behind an endpoint override", "//127.0.0.1:8085/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1" },
        { "IPv6 host", "//[::1]:8085/v1/x" },
        { "PGP fingerprint", "0123456789ABCDEF0123456789ABCDEF01234567" },
        { "bare name", "release-key" },
        { "absolute path", "/keys/release" },
        { "relative path with a late colon", "keys/a:b" },
        { "every part", "https://user:pw@host.example:443/a/b;c=1?q=/?#frag/?" },
        { "scheme and opaque path", "urn:example:key:1" },
        { "percent-encoded", "keys/a%20b%2F" },
        { "empty port and user", "//@host:/x" },
        { "query only", "?q" },
        { "fragment only", "#f" },
        { "longest", new string('k', 1024) },
    };

    public static TheoryData<string, string?> Rejected => new()
    {
        { "missing", null },
        { "empty", "" },
        { "too long", new string('k', 1025) },
        { "space", "release key" },
        { "trailing newline", "release-key\n" },
        { "control", "release\u0001key" },
        { "delete", "release\u007fkey" },
        { "non-ASCII letter", "clé" },
        { "full-width digit", "key\uff11" },
        { "quote", "key\"" },
        { "angle brackets", "<key>" },
        { "backslash", "a\\b" },
        { "brace", "{key}" },
        { "percent without digits", "key%" },
        { "percent with one digit", "key%4" },
        { "percent with other letters", "key%4g" },
        { "percent in a scheme", "a%41:b" },
        { "scheme starts with a digit", "1a:b" },
        { "empty scheme", ":b" },
        { "underscore in a scheme", "a_b:c" },
        { "two fragments", "a#b#c" },
        { "bracket in a path", "a[0]" },
        { "bracket in a query", "a?b[0]" },
        { "bracket in user info", "//u[@host/x" },
        { "two at signs", "//a@b@c/d" },
        { "slash-less bracket host", "//[::1" },
        { "empty bracket host", "//[]/x" },
        { "zone in a bracket host", "//[fe80::1%25eth0]/x" },
        { "text behind a bracket host", "//[::1]x/y" },
        { "letters in a port", "//host:80a/x" },
        { "two ports", "//host:80:81/x" },
    };

    [Theory, MemberData(nameof(Accepted))]
    public void TryParse_keeps_the_exact_text(string name, string text)
    {
        Assert.True(KeyId.TryParse(text, out var id), name);
        Assert.Equal(text, id.ToString());
    }

    [Theory, MemberData(nameof(Rejected))]
    public void TryParse_rejects(string name, string? text)
    {
        Assert.False(KeyId.TryParse(text, out var id), name);
        Assert.Equal(default, id);
    }

    [Theory, Trait("attack", "46"), Trait("attack", "48")]
    [InlineData("other case", "NI:///sha-256;AAAA", "ni:///sha-256;AAAA")]
    [InlineData("host case", "//KMS.example/k", "//kms.example/k")]
    [InlineData("escaped letter", "keys/%61", "keys/a")]
    [InlineData("escape case", "keys/%2f", "keys/%2F")]
    [InlineData("dot segment", "keys/./a", "keys/a")]
    [InlineData("padding", "ni:///sha-256;AAAA", "ni:///sha-256;AAAA=")]
    [InlineData("fingerprint case", "0123456789abcdef0123456789abcdef01234567", "0123456789ABCDEF0123456789ABCDEF01234567")]
    public void KeyId_matches_by_exact_text_only(string name, string one, string other)
    {
        Assert.True(KeyId.TryParse(one, out var first), name);
        Assert.True(KeyId.TryParse(other, out var second), name);

        Assert.NotEqual(first, second);
        Assert.True(KeyId.TryParse(one, out var again));
        Assert.Equal(first, again);
    }

    [Fact]
    public void Default_key_id_equals_no_real_one()
    {
        Assert.True(KeyId.TryParse("k", out var id));
        Assert.NotEqual(default, id);
        Assert.Equal(default(KeyId).GetHashCode(), default(KeyId).GetHashCode());
        Assert.Throws<InvalidOperationException>(() => default(KeyId).ToString());
    }

    [Fact]
    public void Default_id_of_a_key_is_unpadded_base64url_of_its_sha256()
    {
        // SHA-256 of nothing is e3b0c442 98fc1c14 9afbf4c8 996fb924 27ae41e4 649b934c a495991b 7852b855: it has both of - and _
        var id = KeyId.OfSubjectPublicKeyInfo([]);

        Assert.Equal("ni:///sha-256;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", id.ToString());
        Assert.True(KeyId.TryParse(id.ToString(), out var parsed));
        Assert.Equal(id, parsed);
    }

    [Fact]
    public void TryParse_takes_any_text_without_throwing() =>
        Gen.String.Sample(text => !KeyId.TryParse(text, out var id) || id.ToString() == text);

    [Fact]
    public void TryParse_takes_any_text_of_uri_characters_without_throwing() =>
        Gen.String[Gen.Char["ab1:/?#[]@%.-_~!$ "], 0, 20].Sample(text => !KeyId.TryParse(text, out var id) || id.ToString() == text, iter: 10_000);
}
