using System.Security.Cryptography;
using CsCheck;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Attestors;

/// <summary>The text around a key: what is read, what is refused, and that a refusal says what to do without saying what it saw.</summary>
public sealed class PublicKeyPemTests
{
    private const string P256 =
        """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFNLqFhf4fiN6o/glAuYnq2jYUeL0
        vRuLu/z39pmbVwS9ff5AYnlwaP9sxREajdLY9ynM6G1sy6AAmb7Z63TsLg==
        -----END PUBLIC KEY-----
        """;

    public static TheoryData<string, string> Accepted => new()
    {
        { "plain", P256 },
        { "white space around", "\r\n\t " + P256 + " \n\n" },
        { "carriage returns", P256.ReplaceLineEndings("\r\n") },
        { "one long line", P256.Replace("0\nv", "0v", StringComparison.Ordinal) },
    };

    public static TheoryData<string, string?, string> Rejected
    {
        get
        {
            using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var rsa = RSA.Create(2048);
            return new()
            {
                { "missing", null, "holds no PEM block" },
                { "empty", "", "holds no PEM block" },
                { "white space", " \n", "holds no PEM block" },
                { "bare base64", Convert.ToBase64String(TestKey.Der(P256)), "holds no PEM block" },
                { "two keys", P256 + "\n" + P256, "more than one PEM block" },
                { "key and certificate", P256 + "\n" + PemEncoding.WriteString("CERTIFICATE", [1]), "more than one PEM block" },
                { "PKCS#8 private key", ecdsa.ExportPkcs8PrivateKeyPem(), "holds a private key" },
                { "EC private key", ecdsa.ExportECPrivateKeyPem(), "holds a private key" },
                { "RSA private key", rsa.ExportRSAPrivateKeyPem(), "holds a private key" },
                { "encrypted private key", PemEncoding.WriteString("ENCRYPTED SIGSTORE PRIVATE KEY", [1]), "holds a private key" },
                { "public and private key", P256 + "\n" + ecdsa.ExportPkcs8PrivateKeyPem(), "holds a private key" },
                { "certificate", PemEncoding.WriteString("CERTIFICATE", TestKey.Der(P256)), "openssl x509 -pubkey" },
                { "PKCS#1 public key", rsa.ExportRSAPublicKeyPem(), "openssl rsa -RSAPublicKey_in" },
                { "PGP key", PemEncoding.WriteString("PGP PUBLIC KEY BLOCK", [1]), "asciiArmoredPgpPublicKey" },
                { "other label", PemEncoding.WriteString("PARAMETERS", TestKey.Der(P256)), "not exactly one PEM block `PUBLIC KEY`" },
                { "label in lower case", P256.Replace("PUBLIC KEY", "public key", StringComparison.Ordinal), "not exactly one PEM block" },
                { "labels differ", P256.Replace("END PUBLIC KEY", "END PUBLIC KEYS", StringComparison.Ordinal), "not exactly one PEM block" },
                { "text before", "key:\n" + P256, "not exactly one PEM block" },
                { "text behind", P256 + "\nkey", "not exactly one PEM block" },
                { "byte order mark", "\ufeff" + P256, "not exactly one PEM block" },
                { "zero byte behind", P256 + "\0", "not exactly one PEM block" },
                { "no end", P256[..^30], "not exactly one PEM block" },
                { "header lines", P256.Replace("KEY-----\nM", "KEY-----\nProc-Type: 4\n\nM", StringComparison.Ordinal), "not exactly one PEM block" },
                { "other base64 alphabet", P256.Replace('/', '_'), "not exactly one PEM block" },
                { "base64 cut short", P256.Replace("==", "", StringComparison.Ordinal), "not exactly one PEM block" },
                { "no content", PemEncoding.WriteString("PUBLIC KEY", []), "strict DER" },
            };
        }
    }

    [Theory, MemberData(nameof(Accepted))]
    public void TryReadPem_reads_one_block(string name, string pem)
    {
        Assert.True(PublicKey.TryReadPem(pem, SignatureAlgorithm.EcdsaP256Sha256, out var key, out var problem), name);

        Assert.Null(problem);
        var der = TestKey.Der(P256);
        Assert.Equal(SignatureAlgorithm.EcdsaP256Sha256, key.Algorithm);
        Assert.Equal(der, key.SubjectPublicKeyInfo.ToArray());
        Assert.Equal(Digest.Of(der), key.Fingerprint);
        Assert.Equal(KeyId.OfSubjectPublicKeyInfo(der), key.DefaultId);
    }

    [Theory, MemberData(nameof(Rejected))]
    public void TryReadPem_rejects_with_its_own_problem(string name, string? pem, string want)
    {
        Assert.False(PublicKey.TryReadPem(pem, SignatureAlgorithm.EcdsaP256Sha256, out var key, out var problem), name);

        Assert.Null(key);
        Assert.Contains(want, problem, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Rejected))]
    public void Problem_never_repeats_key_material(string name, string? pem, string _)
    {
        Assert.False(PublicKey.TryReadPem(pem, SignatureAlgorithm.EcdsaP256Sha256, out var _, out var problem), name);

        var lines = (pem ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.Length > 20 && !line.StartsWith('-'));
        Assert.All(lines, line => Assert.DoesNotContain(line[..8], problem, StringComparison.Ordinal));
    }

    [Fact]
    public void TryReadPem_takes_any_text_without_throwing() =>
        Gen.String.Sample(text => !PublicKey.TryReadPem(text, SignatureAlgorithm.EcdsaP256Sha256, out var _, out var _));

    [Fact]
    public void TryReadPem_takes_any_change_of_one_character_without_throwing() =>
        Gen.Select(Gen.Int[0, P256.Length - 1], Gen.Char).Sample((at, other) =>
        {
            var text = P256[..at] + other + P256[(at + 1)..];
            _ = PublicKey.TryReadPem(text, SignatureAlgorithm.EcdsaP256Sha256, out var _, out var _);
        });

    [Fact]
    public void TryReadPem_takes_any_content_without_throwing() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Enum<SignatureAlgorithm>()).Sample((bytes, algorithm) =>
            !PublicKey.TryReadPem(PemEncoding.WriteString("PUBLIC KEY", bytes), algorithm, out var _, out var _));

    [Fact]
    public void TryReadPem_takes_any_change_of_one_byte_without_throwing()
    {
        foreach (var algorithm in new[] { SignatureAlgorithm.EcdsaP256Sha256, SignatureAlgorithm.Ed25519, SignatureAlgorithm.RsaPss2048Sha256 })
        {
            var der = TestKey.Der(TestKey.Of(algorithm).Pem);
            Gen.Select(Gen.Int[0, der.Length - 1], Gen.Byte).Sample((at, other) =>
            {
                byte[] changed = [.. der];
                changed[at] = other;
                if (PublicKey.TryReadPem(PemEncoding.WriteString("PUBLIC KEY", changed), algorithm, out var key, out var _))
                {
                    Assert.False(key.Verify([1, 2, 3], new byte[70]));
                }
            });
        }
    }
}
