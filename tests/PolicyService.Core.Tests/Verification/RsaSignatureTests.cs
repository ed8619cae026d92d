using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Security;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

[Trait("attack", "52")]
public sealed class RsaSignatureTests
{
    private static readonly HashAlgorithmName Sha256 = HashAlgorithmName.SHA256;
    private static readonly byte[] Data = [1, 2, 3];
    private static readonly byte[] Hash = SHA256.HashData(Data);
    private static readonly RSA Key = TestKey.RsaKey(2048);

    [Fact]
    public void Paddings_are_not_exchangeable()
    {
        var pkcs1 = Key.SignHash(Hash, Sha256, RSASignaturePadding.Pkcs1);
        var pss = Key.SignHash(Hash, Sha256, RSASignaturePadding.Pss);

        Assert.True(RsaSignature.VerifyPkcs1(Key, Sha256, Hash, pkcs1));
        Assert.True(RsaSignature.VerifyPss(Key, Sha256, Hash, pss));
        Assert.False(RsaSignature.VerifyPkcs1(Key, Sha256, Hash, pss));
        Assert.False(RsaSignature.VerifyPss(Key, Sha256, Hash, pkcs1));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(20, false)]
    [InlineData(31, false)]
    [InlineData(32, true)]
    [InlineData(33, false)]
    public void VerifyPss_takes_a_salt_as_long_as_the_hash_only(int saltLength, bool want)
    {
        // The base library cannot choose the salt length.
        var signer = new PssSigner(new RsaEngine(), new Sha256Digest(), saltLength);
        signer.Init(true, DotNetUtilities.GetRsaKeyPair(Key).Private);
        signer.BlockUpdate(Data);

        Assert.Equal(want, RsaSignature.VerifyPss(Key, Sha256, Hash, signer.GenerateSignature()));
    }

    [Theory]
    [InlineData(255)]
    [InlineData(257)]
    [InlineData(0)]
    [InlineData(16 * 1024)]
    public void Library_is_asked_about_no_other_length(int length)
    {
        using var key = new CredulousRsa();

        Assert.False(RsaSignature.VerifyPkcs1(key, Sha256, Hash, new byte[length]));
        Assert.False(RsaSignature.VerifyPss(key, Sha256, Hash, new byte[length]));
        Assert.True(RsaSignature.VerifyPkcs1(key, Sha256, Hash, new byte[256]));
    }

    /// <summary>A library that accepts everything, so that only our own step can refuse.</summary>
    private sealed class CredulousRsa : RSA
    {
        public override int KeySize => 2048;

        public override RSAParameters ExportParameters(bool includePrivateParameters) => throw new NotSupportedException();

        public override void ImportParameters(RSAParameters parameters) => throw new NotSupportedException();

        public override bool VerifyHash(
            ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding) => true;
    }
}
