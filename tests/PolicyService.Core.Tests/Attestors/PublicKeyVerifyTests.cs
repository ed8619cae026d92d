using System.Security.Cryptography;
using System.Text;
using CsCheck;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Tests.Attestors;

public sealed class PublicKeyVerifyTests
{
    private static readonly byte[] Data = Encoding.UTF8.GetBytes("""{"critical":{"image":{"docker-manifest-digest":"sha256:…"}}}""");

    [Theory, MemberData(nameof(TestKey.Algorithms), MemberType = typeof(TestKey))]
    public void Verify_accepts_the_keys_own_signature_over_the_same_data_only(SignatureAlgorithm algorithm)
    {
        var signer = TestKey.Of(algorithm);
        var key = signer.Read();
        var signature = signer.Sign(Data);

        Assert.True(key.Verify(Data, signature));
        Assert.True(key.Verify([], signer.Sign([])));
        Assert.False(key.Verify([], signature));
        Assert.False(key.Verify([.. Data, 0], signature));
        Assert.False(key.Verify(Data, [.. signature, 0]));
        Assert.False(key.Verify(Data, [0, .. signature]));
        Assert.False(key.Verify(Data, signature.AsSpan()[1..]));
        Assert.False(key.Verify(Data, signature.AsSpan()[..^1]));
        Assert.False(key.Verify(Data, []));
    }

    [Theory, MemberData(nameof(TestKey.Algorithms), MemberType = typeof(TestKey)), Trait("attack", "48"), Trait("attack", "52")]
    public void Verify_accepts_no_signature_of_another_algorithm(SignatureAlgorithm algorithm)
    {
        var key = TestKey.Of(algorithm).Read();
        foreach (var other in Enum.GetValues<SignatureAlgorithm>().Where(other => other != algorithm && other is not SignatureAlgorithm.Unspecified))
        {
            // RSA keys of one size are one key here, so this crosses PSS and PKCS#1 and the two hashes as well.
            Assert.False(key.Verify(Data, TestKey.Of(other).Sign(Data)), $"{algorithm} accepts {other}");
        }
    }

    [Fact, Trait("attack", "52")]
    public void Verify_takes_no_fixed_width_ecdsa_signature()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.True(PublicKey.TryReadPem(ecdsa.ExportSubjectPublicKeyInfoPem(), SignatureAlgorithm.EcdsaP256Sha256, out var key, out _));

        Assert.True(key.Verify(Data, ecdsa.SignData(Data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
        Assert.False(key.Verify(Data, ecdsa.SignData(Data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)));
    }

    [Fact]
    public void Verify_refuses_every_changed_byte_of_the_data()
    {
        var signer = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
        var key = signer.Read();
        var signature = signer.Sign(Data);
        for (var at = 0; at < Data.Length; at++)
        {
            byte[] changed = [.. Data];
            changed[at] ^= (byte)(1 << (at % 8));
            Assert.False(key.Verify(changed, signature), $"byte {at}");
        }
    }

    [Fact]
    public void Verify_refuses_every_changed_bit_of_the_signature()
    {
        var signer = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
        var key = signer.Read();
        var signature = signer.Sign(Data);
        for (var bit = 0; bit < 8 * signature.Length; bit++)
        {
            byte[] changed = [.. signature];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(key.Verify(Data, changed), $"bit {bit}");
        }
    }

    [Theory, MemberData(nameof(TestKey.Algorithms), MemberType = typeof(TestKey))]
    public void Verify_answers_false_to_any_bytes_without_throwing(SignatureAlgorithm algorithm)
    {
        var key = TestKey.Of(algorithm).Read();
        var length = TestKey.Of(algorithm).Sign(Data).Length;
        foreach (var size in new[] { 0, 1, length - 1, length, length + 1, 16 * 1024 })
        {
            foreach (var fill in new byte[] { 0, 1, 0x30, 0x7f, 0x80, 0xff })
            {
                var signature = new byte[size];
                signature.AsSpan().Fill(fill);
                Assert.False(key.Verify(Data, signature), $"{size} bytes of {fill}");
            }
        }

        Gen.Byte.Array[0, length + 2].Sample(signature => !key.Verify(Data, signature), iter: 100, threads: 1);
        Gen.Byte.Array[length].Sample(signature => !key.Verify(Data, signature), iter: 100, threads: 1);
    }

    [Fact]
    public void Verify_is_right_from_eight_threads_at_once()
    {
        SignatureAlgorithm[] algorithms = [SignatureAlgorithm.EcdsaP256Sha256, SignatureAlgorithm.RsaPss2048Sha256, SignatureAlgorithm.Ed25519];
        var cases = algorithms.Select(TestKey.Of).Select(signer => (Key: signer.Read(), Good: signer.Sign(Data), Bad: signer.Sign([1]))).ToArray();
        var wrong = 0;
        var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (var round = 0; round < 100; round++)
            {
                foreach (var (key, good, bad) in cases)
                {
                    if (!key.Verify(Data, good) || key.Verify(Data, bad))
                    {
                        Interlocked.Increment(ref wrong);
                    }
                }
            }
        })).ToList();

        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        Assert.Equal(0, wrong);
    }

    // Signed by cosign: the payload, signature and cosign.pub of github.com/containers/image (Apache-2.0), dir-img-cosign-valid.
    [Fact]
    public void Verify_accepts_a_signature_made_by_cosign()
    {
        const string pem =
            """
            -----BEGIN PUBLIC KEY-----
            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFNLqFhf4fiN6o/glAuYnq2jYUeL0
            vRuLu/z39pmbVwS9ff5AYnlwaP9sxREajdLY9ynM6G1sy6AAmb7Z63TsLg==
            -----END PUBLIC KEY-----
            """;
        var payload = Encoding.UTF8.GetBytes(
            "{\"critical\":{\"identity\":{\"docker-reference\":\"192.168.64.2:5000/cosign-signed-single-sample\"},"
            + "\"image\":{\"docker-manifest-digest\":\"sha256:634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00\"},"
            + "\"type\":\"cosign container image signature\"},\"optional\":null}");
        var signature = Convert.FromBase64String(
            "MEYCIQDmtamqYPjMg81nqeBhptrPls44aA/r7PwLmspINJY4MwIhANKRpqe2E9UC"
            + "BtGFdPoz/8jAbaQm4uP4h+IpwKTE6ClR");
        Assert.True(PublicKey.TryReadPem(pem, SignatureAlgorithm.EcdsaP256Sha256, out var key, out var problem), problem);

        Assert.True(key.Verify(payload, signature));
    }
}
