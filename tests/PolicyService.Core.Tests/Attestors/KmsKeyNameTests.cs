using System.Text.RegularExpressions;
using CsCheck;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Tests.Attestors;

public sealed class KmsKeyNameTests
{
    private const string Resource = "projects/acme/locations/europe-west1/keyRings/r_1/cryptoKeys/Key-2/cryptoKeyVersions/3";
    private const string Id = KmsKeyName.BinaryAuthorizationPrefix + Resource;

    public static TheoryData<string, string, string> Accepted => new()
    {
        { "Binary Authorization", Id, Resource },
        { "cosign", KmsKeyName.CosignPrefix + Resource, Resource },
        { "cosign, short", KmsKeyName.CosignPrefix + Resource.Replace("cryptoKeyVersions", "versions", StringComparison.Ordinal), Resource },
        { "domain-scoped project", Id.Replace("acme", "example.com:acme", StringComparison.Ordinal), Resource.Replace("acme", "example.com:acme", StringComparison.Ordinal) },
        { "longest ids", Id.Replace("r_1", new string('r', 63), StringComparison.Ordinal), Resource.Replace("r_1", new string('r', 63), StringComparison.Ordinal) },
        { "18 digits", Id[..^1] + new string('9', 18), Resource[..^1] + new string('9', 18) },
    };

    public static TheoryData<string, string?> Refused => new()
    {
        { "missing", null },
        { "empty", "" },
        { "the resource alone", Resource },
        { "https", "https:" + Id },
        { "another host", "//kms.example.com/v1/" + Resource },
        { "a port", "//cloudkms.googleapis.com:443/v1/" + Resource },
        { "a user", "//a@cloudkms.googleapis.com/v1/" + Resource },
        { "host in upper case", Id.Replace("cloudkms", "CloudKMS", StringComparison.Ordinal) },
        { "a longer host", Id.Replace("googleapis.com", "googleapis.com.example.com", StringComparison.Ordinal) },
        { "version 2 of the API", Id.Replace("/v1/", "/v2/", StringComparison.Ordinal) },
        { "scheme in upper case", "GCPKMS://" + Resource },
        { "one slash", "gcpkms:/" + Resource },
        { "a key without version", Id[..Id.IndexOf("/cryptoKeyVersions", StringComparison.Ordinal)] },
        { "cosign without version", KmsKeyName.CosignPrefix + Resource[..Resource.IndexOf("/cryptoKeyVersions", StringComparison.Ordinal)] },
        { "versions in an id", Id.Replace("cryptoKeyVersions", "versions", StringComparison.Ordinal) },
        { "version 0", Id[..^1] + "0" },
        { "a zero before", Id[..^1] + "03" },
        { "19 digits", Id[..^1] + new string('9', 19) },
        { "latest", Id[..^1] + "latest" },
        { "no version number", Id[..^1] },
        { "digits of another script", Id[..^1] + "\u0663" },
        { "a slash behind", Id + "/" },
        { "a verb behind", Id + ":asymmetricSign" },
        { "publicKey behind", Id + "/publicKey" },
        { "a query", Id + "?alt=json" },
        { "a fragment", Id + "#1" },
        { "a line end", Id + "\n" },
        { "a space before", " " + Id },
        { "parent segments", Id.Replace("r_1", "..", StringComparison.Ordinal) },
        { "a dot", Id.Replace("r_1", "r.1", StringComparison.Ordinal) },
        { "an escape", Id.Replace("r_1", "r%2F1", StringComparison.Ordinal) },
        { "an empty id", Id.Replace("r_1", "", StringComparison.Ordinal) },
        { "64 characters", Id.Replace("r_1", new string('r', 64), StringComparison.Ordinal) },
        { "a colon in a key", Id.Replace("Key-2", "Key:2", StringComparison.Ordinal) },
        { "location in upper case", Id.Replace("europe", "Europe", StringComparison.Ordinal) },
        { "another order", Id.Replace("keyRings/r_1/cryptoKeys/Key-2", "cryptoKeys/Key-2/keyRings/r_1", StringComparison.Ordinal) },
        { "project with a dot before", Id.Replace("acme", ".acme", StringComparison.Ordinal) },
        { "longer than a key id", Id.Replace("acme", new string('p', 1000), StringComparison.Ordinal) },
    };

    [Theory, MemberData(nameof(Accepted))]
    public void TryParse_gives_the_one_name(string spelling, string text, string resource)
    {
        Assert.True(KmsKeyName.TryParse(text, out var name), spelling);

        Assert.Equal(resource, name.Resource);
        Assert.Equal(KmsKeyName.BinaryAuthorizationPrefix + resource, name.ToString());
        Assert.True(KmsKeyName.TryParse(name.ToString(), out var again));
        Assert.Equal(name, again);
        Assert.Matches(KmsKeyName.Pattern, text);
    }

    [Theory, MemberData(nameof(Refused))]
    public void TryParse_refuses(string why, string? text)
    {
        Assert.False(KmsKeyName.TryParse(text, out var name), why);
        Assert.Equal(default, name);
    }

    /// <summary>The schema's pattern may take more than the parser, never less; and a name is always a safe path and a key id.</summary>
    [Fact]
    public void TryParse_takes_nothing_that_its_pattern_refuses() =>
        Gen.OneOf(Gen.Const(Id), Gen.Const(KmsKeyName.CosignPrefix + Resource)).Select(Gen.Int[0, 100], Gen.Char["/.:%aZ09-_\n?#@"], (text, at, character) =>
            text.Remove(at % text.Length, 1).Insert(at % text.Length, character.ToString())).Sample(text =>
            {
                if (KmsKeyName.TryParse(text, out var name))
                {
                    Assert.Matches(KmsKeyName.Pattern, text);
                    Assert.DoesNotMatch(new Regex(@"[^A-Za-z0-9/:._-]|\.\.|//"), name.Resource);
                    Assert.True(KeyId.TryParse(text, out _));
                }
            });

    [Fact]
    public void Default_names_nothing() => Assert.Throws<InvalidOperationException>(() => default(KmsKeyName).Resource);
}
