using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;
using PolicyService.Cli.Tests.Running;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Verification;

namespace PolicyService.Cli.Tests.Verbs;

public sealed class VerifyAttestationTests : IDisposable
{
    private static readonly ECDsa P256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa P521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
    private static readonly RSA Rsa = RSA.Create(3072);
    private static readonly byte[] Ed25519Secret = RandomNumberGenerator.GetBytes(Ed25519.SecretKeySize);
    private static readonly byte[] Payload = PayloadOf(Samples.Hex);

    private readonly Folder _folder = new();

    public VerifyAttestationTests()
    {
        _folder.Write("key.pub", P256.ExportSubjectPublicKeyInfoPem());
        _folder.Write("payload.json", Payload);
        _folder.Write("signature.bin", Sign(Payload));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("ECDSA_P256_SHA256")]
    [InlineData("EC_SIGN_P256_SHA256")]
    [InlineData("ECDSA_P521_SHA512")]
    [InlineData("RSA_PSS_3072_SHA256")]
    [InlineData("RSA_SIGN_PSS_3072_SHA256")]
    [InlineData("RSA_SIGN_PKCS1_3072_SHA256")]
    [InlineData("ED25519")]
    [InlineData("EC_SIGN_ED25519")]
    public async Task Signature_of_the_image_is_verified(string algorithm)
    {
        _folder.Write("key.pub", Pem(algorithm));
        _folder.Write("signature.bin", Sign(algorithm));

        var run = await Ask(algorithm);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches($"^verified: sha256:{Samples.Hex} is vouched for by the key ni:///sha-256;[-_A-Za-z0-9]{{43}}\n$", run.Text);
    }

    [Fact]
    public async Task Verification_is_the_same_as_a_process()
    {
        var verified = await Policyctl.RunAsync(Arguments());
        _folder.Write("signature.bin", Sign(PayloadOf(new string('0', 64))));
        var refused = await Policyctl.RunAsync(Arguments());

        Assert.Equal((0, 1), (verified.ExitCode, refused.ExitCode));
        Assert.Equal("policyctl: refused: the signature does not verify", Assert.Single(refused.ErrorLines));
    }

    [Fact]
    public async Task Signature_of_the_payloads_pae_is_verified()
    {
        _folder.Write("signature.bin", Sign(DssePae.Encode(DssePae.SimpleSigningType, Payload)));

        Assert.Equal(0, (await Ask()).ExitCode);
    }

    [Theory]
    [InlineData("sha256:" + Samples.Hex)]
    [InlineData("https://registry.example.com/shop/web@sha256:" + Samples.Hex)]
    [InlineData("elsewhere.example.com/other:v1@sha256:" + Samples.Hex)]
    public async Task Digest_decides_whatever_the_repository(string image) => Assert.Equal(0, (await Policyctl.RunHereAsync(Arguments(image: image))).ExitCode);

    [Theory]
    [InlineData("the signature does not verify", "signature.bin", "\0")]
    [InlineData("the signature does not verify", "signature.bin", "")]
    [InlineData("its file holds text: give the bytes themselves (`base64 -d`)", "signature.bin", "MEUCIQ==\n")]
    [InlineData("the signature does not verify", "payload.json", "{}")]
    public async Task Signature_of_something_else_is_refused(string because, string file, string content)
    {
        _folder.Write(file, content);

        await AssertRefused(because);
    }

    [Theory]
    [InlineData("the payload is not strict JSON", "{")]
    [InlineData("the payload is not an object of `critical`", "{}")]
    [InlineData("`critical.type` is missing or names no known type", "{\"critical\": {\"identity\": {\"docker-reference\": \"a\"}, \"image\": {\"docker-manifest-digest\": \"sha256:" + Samples.Hex + "\"}, \"type\": \"other\"}}")]
    [InlineData("critical.type is not that of Binary Authorization", "{\"critical\": {\"identity\": {\"docker-reference\": \"a\"}, \"image\": {\"docker-manifest-digest\": \"sha256:" + Samples.Hex + "\"}, \"type\": \"cosign container image signature\"}}")]
    public async Task Signed_payload_that_is_none_is_refused(string because, string payload)
    {
        var content = Encoding.UTF8.GetBytes(payload);
        _folder.Write("payload.json", content);
        _folder.Write("signature.bin", Sign(content));

        await AssertRefused(because);
    }

    [Fact]
    public async Task Signed_payload_of_another_image_is_refused()
    {
        var other = PayloadOf(new string('0', 64));
        _folder.Write("payload.json", other);
        _folder.Write("signature.bin", Sign(other));

        await AssertRefused($"what was signed is about sha256:{new string('0', 64)}, not about sha256:{Samples.Hex}");
    }

    [Fact]
    public async Task Key_of_somebody_else_is_refused()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _folder.Write("key.pub", stranger.ExportSubjectPublicKeyInfoPem());

        await AssertRefused("the signature does not verify");
    }

    [Theory]
    [InlineData("is not usable under PGP: ", "PGP")]
    [InlineData("--algorithm: `ecdsa_p256_sha256` is none", "ecdsa_p256_sha256")]
    [InlineData("--algorithm: `RS256` is none", "RS256")]
    [InlineData("is not usable under ECDSA_P384_SHA384: ", "ECDSA_P384_SHA384")]
    [InlineData("is not usable under RSA_PSS_3072_SHA256: ", "RSA_PSS_3072_SHA256")]
    public async Task Algorithm_that_does_not_fit_is_unusable(string because, string algorithm) => AssertUnusable(because, await Ask(algorithm));

    [Theory]
    [InlineData("holds no PEM block", "key.pub", 10)]
    [InlineData("--public-key: `", "key.pub", 65537)]
    [InlineData("has more than 65536 bytes", "payload.json", 65537)]
    [InlineData("has more than 16384 bytes", "signature.bin", 16385)]
    public async Task File_that_is_something_else_is_unusable(string because, string file, int length)
    {
        _folder.Write(file, new byte[length]);

        AssertUnusable(because, await Ask());
    }

    [Theory]
    [InlineData("--public-key", "key.pub")]
    [InlineData("--payload", "payload.json")]
    [InlineData("--signature", "signature.bin")]
    public async Task File_that_is_not_there_is_unusable(string option, string file)
    {
        File.Delete(_folder[file]);

        AssertUnusable($"{option}: there is no file `{_folder[file]}`", await Ask());
    }

    [Fact]
    public async Task Private_key_is_unusable_and_not_repeated()
    {
        _folder.Write("key.pub", P256.ExportPkcs8PrivateKeyPem());

        var run = await Ask();

        AssertUnusable("holds a private key", run);
        Assert.DoesNotContain("BEGIN PRIVATE", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--image: `registry.example.com/shop/web:v1` has no sha256 digest", "registry.example.com/shop/web:v1")]
    [InlineData("--image: `Not/An/Image` is not an image", "Not/An/Image")]
    public async Task Image_without_a_digest_is_unusable(string because, string image) =>
        AssertUnusable(because, await Policyctl.RunHereAsync(Arguments(image: image)));

    private static byte[] PayloadOf(string hex) =>
        SimpleSigningPayload.Write("registry.example.com/shop/web", Digest.TryParse($"sha256:{hex}", out var digest) ? digest : default);

    private static byte[] Sign(byte[] data) => P256.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    private static string Pem(string algorithm)
    {
        if (!algorithm.Contains("ED25519", StringComparison.Ordinal))
        {
            return algorithm.StartsWith("RSA", StringComparison.Ordinal) ? Rsa.ExportSubjectPublicKeyInfoPem()
                : (algorithm.Contains("P521", StringComparison.Ordinal) ? P521 : P256).ExportSubjectPublicKeyInfoPem();
        }

        var point = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(Ed25519Secret, 0, point, 0);
        return PemEncoding.WriteString("PUBLIC KEY", [.. Convert.FromHexString("302a300506032b6570032100"), .. point]);
    }

    private static byte[] Sign(string algorithm)
    {
        switch (algorithm)
        {
            case "ECDSA_P521_SHA512":
                return P521.SignData(Payload, HashAlgorithmName.SHA512, DSASignatureFormat.Rfc3279DerSequence);
            case "RSA_PSS_3072_SHA256" or "RSA_SIGN_PSS_3072_SHA256":
                return Rsa.SignData(Payload, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
            case "RSA_SIGN_PKCS1_3072_SHA256":
                return Rsa.SignData(Payload, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            case "ED25519" or "EC_SIGN_ED25519":
                var signature = new byte[Ed25519.SignatureSize];
                Ed25519.Sign(Ed25519Secret, 0, Payload, 0, Payload.Length, signature, 0);
                return signature;
            default:
                return Sign(Payload);
        }
    }

    private string[] Arguments(string algorithm = "ECDSA_P256_SHA256", string image = Samples.Image) =>
    [
        "verify", "attestation", "--image", image, "--public-key", _folder["key.pub"], "--algorithm", algorithm,
        "--payload", _folder["payload.json"], "--signature", _folder["signature.bin"],
    ];

    private Task<Run> Ask(string algorithm = "ECDSA_P256_SHA256") => Policyctl.RunHereAsync(Arguments(algorithm));

    private async Task AssertRefused(string because)
    {
        var run = await Ask();

        Assert.Equal((1, ""), (run.ExitCode, run.Text));
        Assert.StartsWith("policyctl: refused: ", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Contains(because, run.Error, StringComparison.Ordinal);
    }

    private static void AssertUnusable(string because, Run run)
    {
        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Contains(because, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }
}
