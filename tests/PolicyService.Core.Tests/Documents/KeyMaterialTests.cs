using System.Security.Cryptography;
using System.Text;
using PolicyService.Core.Documents;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Tests.Verification.Pgp;

namespace PolicyService.Core.Tests.Documents;

/// <summary>A private key given where a path or an image belongs, which then stands in the log of a pipeline.</summary>
public sealed class KeyMaterialTests(GpgHome gpg)
{
    private static readonly byte[] Ed25519 = [.. Convert.FromHexString("302e020100300506032b657004220420"), .. SHA256.HashData("key"u8)];
    private static readonly PbeParameters Encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1);

    public static TheoryData<string> Forms => ["pkcs8-rsa", "pkcs1", "pkcs8-ec", "sec1", "ed25519", "encrypted"];

    [Theory, MemberData(nameof(Forms))]
    public void Key_in_base64_is_never_shown(string form)
    {
        var text = Convert.ToBase64String(Der(form));

        AssertHidden(text, Shown.Value(text));
        AssertHidden(text, Shown.Value($"https://example.com/{text}"));
        AssertHidden(text, Shown.Path($"/tmp/{text}"));
        AssertHidden(text, KeyMaterial.Mask($"there is no file `{text}`: mend the path"));
        AssertHidden(text, KeyMaterial.Mask(text.Replace('+', '-').Replace('/', '_')), text.Replace('+', '-').Replace('/', '_'));
        AssertHidden(text, KeyMaterial.Mask(text[..^9]));
        Assert.Equal($"(a private key, {text.Length} characters)", Shown.Value(text));
    }

    [Theory, MemberData(nameof(Forms))]
    public void Lines_of_a_key_are_hidden_with_the_first(string form)
    {
        var lines = Convert.ToBase64String(Der(form), Base64FormattingOptions.InsertLineBreaks).Split("\r\n");

        foreach (var separator in new[] { "\n", "\r\n", " " })
        {
            var text = string.Join(separator, lines);
            Assert.Equal($"`(a private key, {text.Length} characters)`: mend the path", KeyMaterial.Mask($"`{text}`: mend the path"));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Block_is_never_shown_whole_or_cut_off(string form)
    {
        var block = PemEncoding.WriteString(form switch { "pkcs1" => "RSA PRIVATE KEY", "sec1" => "EC PRIVATE KEY", "encrypted" => "ENCRYPTED PRIVATE KEY", _ => "PRIVATE KEY" }, Der(form));

        Assert.Equal($"`(a private key, {block.Length} characters)` and more", KeyMaterial.Mask($"`{block}` and more"));
        Assert.Equal($"`(a private key, {block.Length - 30} characters)", KeyMaterial.Mask($"`{block[..^30]}"));
        AssertHidden(block, Shown.Value(block));
        AssertHidden(block, KeyMaterial.Mask(Convert.ToBase64String(Encoding.ASCII.GetBytes(block))), Convert.ToBase64String(Encoding.ASCII.GetBytes(block)));
        Assert.Contains($"{block.Length} characters", Shown.Value(block), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ed25519")]
    [InlineData("rsa2048")]
    public void Pgp_key_is_never_shown(string algorithm)
    {
        var block = Encoding.ASCII.GetString(gpg.Run([], GpgHome.SigningTime, "--armor", "--export-secret-keys", gpg.Key(algorithm))).Trim();
        var body = block[(block.IndexOf("\n\n", StringComparison.Ordinal) + 2)..block.LastIndexOf("\n=", StringComparison.Ordinal)];

        Assert.StartsWith("-----BEGIN PGP PRIVATE KEY BLOCK", block, StringComparison.Ordinal);
        Assert.Equal($"(a private key, {block.Length} characters)", KeyMaterial.Mask(block));
        Assert.DoesNotContain(body[..20], KeyMaterial.Mask(body), StringComparison.Ordinal);
        Assert.DoesNotContain(body[..20], Shown.Value(body.ReplaceLineEndings("")), StringComparison.Ordinal);
    }

    [Fact]
    public void Public_keys_signatures_digests_and_paths_are_left_alone()
    {
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string[] texts =
        [
            "registry.example.com/shop/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ni:///sha-256;4Hnjhsd7-_Ml0pZ3KQyYbV8aJxq1dWc2uTgRkEoXz0s",
            "//cloudkms.googleapis.com/v1/projects/Project1/locations/global/keyRings/MIIRing/cryptoKeys/key/cryptoKeyVersions/1",
            "/home/Somebody1/Projects/lxMy/MIIC/aRatherLongNameOfADirectory/policies/attestors/build.yaml",
            Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()),
            Convert.ToBase64String(rsa.ExportRSAPublicKey()),
            Convert.ToBase64String(ecdsa.ExportSubjectPublicKeyInfo()),
            Convert.ToBase64String(ecdsa.SignData("x"u8, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
            TestKey.Of(Core.Attestors.SignatureAlgorithm.EcdsaP256Sha256).Pem,
            gpg.Export(gpg.Key("ed25519")),
            "MIIE", "", "-----BEGIN",
        ];

        Assert.All(texts, text => Assert.Equal(text, KeyMaterial.Mask(text)));
        Assert.All(texts, text => Assert.Equal(0, KeyMaterial.CharactersIn(text)));
    }

    private static byte[] Der(string form)
    {
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return form switch
        {
            "pkcs8-rsa" => rsa.ExportPkcs8PrivateKey(),
            "pkcs1" => rsa.ExportRSAPrivateKey(),
            "pkcs8-ec" => ecdsa.ExportPkcs8PrivateKey(),
            "sec1" => ecdsa.ExportECPrivateKey(),
            "encrypted" => ecdsa.ExportEncryptedPkcs8PrivateKey("password", Encryption),
            _ => Ed25519,
        };
    }

    /// <summary>No piece of the key that would be worth anything.</summary>
    private static void AssertHidden(string text, string shown, string? spelling = null)
    {
        Assert.Contains(" characters)", shown, StringComparison.Ordinal);
        for (var at = 0; at + 12 <= text.Length; at += 6)
        {
            Assert.DoesNotContain((spelling ?? text).Substring(at, 12), shown, StringComparison.Ordinal);
        }
    }
}
