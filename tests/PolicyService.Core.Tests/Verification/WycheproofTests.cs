using System.Security.Cryptography;
using PolicyService.Core.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

/// <summary>
/// All 8,154 signature cases of Project Wycheproof. Each runs against the primitive; where the file's key and hash are one of our
/// algorithms, it also runs through a key read from PEM.
/// </summary>
[Trait("attack", "52")]
public sealed class WycheproofTests
{
    // The algorithm of ours that the file is about, if any; then how many cases are valid, invalid and acceptable. Counted here, so
    // that a file that lost cases fails.
    public static TheoryData<string, SignatureAlgorithm, int, int, int> Files => new()
    {
        { "ecdsa_secp256r1_sha256_p1363_test.json", SignatureAlgorithm.Unspecified, 173, 89, 0 },
        { "ecdsa_secp256r1_sha256_test.json", SignatureAlgorithm.EcdsaP256Sha256, 174, 310, 0 },
        { "ecdsa_secp256r1_sha512_p1363_test.json", SignatureAlgorithm.Unspecified, 242, 90, 0 },
        { "ecdsa_secp256r1_sha512_test.json", SignatureAlgorithm.Unspecified, 243, 311, 0 },
        { "ecdsa_secp384r1_sha256_test.json", SignatureAlgorithm.Unspecified, 162, 310, 0 },
        { "ecdsa_secp384r1_sha384_p1363_test.json", SignatureAlgorithm.Unspecified, 193, 87, 0 },
        { "ecdsa_secp384r1_sha384_test.json", SignatureAlgorithm.EcdsaP384Sha384, 194, 310, 0 },
        { "ecdsa_secp384r1_sha512_p1363_test.json", SignatureAlgorithm.Unspecified, 230, 88, 0 },
        { "ecdsa_secp384r1_sha512_test.json", SignatureAlgorithm.Unspecified, 231, 311, 0 },
        { "ecdsa_secp521r1_sha512_p1363_test.json", SignatureAlgorithm.Unspecified, 231, 87, 0 },
        { "ecdsa_secp521r1_sha512_test.json", SignatureAlgorithm.EcdsaP521Sha512, 232, 310, 0 },
        { "ed25519_test.json", SignatureAlgorithm.Ed25519, 88, 63, 0 },
        { "rsa_pss_2048_sha256_mgf1_0_test.json", SignatureAlgorithm.RsaPss2048Sha256, 61, 42, 0 },
        { "rsa_pss_2048_sha256_mgf1_32_test.json", SignatureAlgorithm.RsaPss2048Sha256, 63, 45, 0 },
        { "rsa_pss_2048_sha384_mgf1_48_test.json", SignatureAlgorithm.Unspecified, 95, 46, 0 },
        { "rsa_pss_3072_sha256_mgf1_32_test.json", SignatureAlgorithm.RsaPss3072Sha256, 63, 45, 0 },
        { "rsa_pss_4096_sha256_mgf1_32_test.json", SignatureAlgorithm.RsaPss4096Sha256, 63, 45, 0 },
        { "rsa_pss_4096_sha384_mgf1_48_test.json", SignatureAlgorithm.Unspecified, 95, 46, 0 },
        { "rsa_pss_4096_sha512_mgf1_32_test.json", SignatureAlgorithm.RsaPss4096Sha512, 132, 45, 0 },
        { "rsa_pss_4096_sha512_mgf1_64_test.json", SignatureAlgorithm.RsaPss4096Sha512, 132, 47, 0 },
        { "rsa_signature_2048_sha256_test.json", SignatureAlgorithm.RsaPkcs1With2048Sha256, 9, 249, 1 },
        { "rsa_signature_2048_sha384_test.json", SignatureAlgorithm.Unspecified, 7, 250, 1 },
        { "rsa_signature_2048_sha512_test.json", SignatureAlgorithm.Unspecified, 8, 250, 1 },
        { "rsa_signature_3072_sha256_test.json", SignatureAlgorithm.RsaPkcs1With3072Sha256, 8, 250, 1 },
        { "rsa_signature_3072_sha384_test.json", SignatureAlgorithm.Unspecified, 7, 251, 1 },
        { "rsa_signature_3072_sha512_test.json", SignatureAlgorithm.Unspecified, 8, 251, 1 },
        { "rsa_signature_4096_sha256_test.json", SignatureAlgorithm.RsaPkcs1With4096Sha256, 7, 250, 1 },
        { "rsa_signature_4096_sha384_test.json", SignatureAlgorithm.Unspecified, 7, 251, 1 },
        { "rsa_signature_4096_sha512_test.json", SignatureAlgorithm.RsaPkcs1With4096Sha512, 7, 251, 1 },
    };

    // docs/decisions/2026-11-23-wycheproof-acceptable.md
    private static readonly Dictionary<string, bool> AcceptableFlags = new(StringComparer.Ordinal) { ["MissingNull"] = false };

    [Theory, MemberData(nameof(Files))]
    public void Every_case_is_answered_as_its_file_says(string name, SignatureAlgorithm algorithm, int valid, int invalid, int acceptable)
    {
        var file = WycheproofFile.Read(name);

        Assert.Equal(valid, file.Count(WycheproofResult.Valid));
        Assert.Equal(invalid, file.Count(WycheproofResult.Invalid));
        Assert.Equal(acceptable, file.Count(WycheproofResult.Acceptable));
        Assert.Equal(valid + invalid + acceptable, file.NumberOfTests);
        foreach (var group in file.TestGroups)
        {
            var verify = PrimitiveOf(group);
            var key = KeyOf(group, algorithm);
            foreach (var test in group.Tests)
            {
                var want = Wanted(group, test);
                Assert.True(want == verify(test.Message, test.Signature), $"primitive, case {test.TcId}: {test.Comment}");
                Assert.True(key is null || want == key.Verify(test.Message, test.Signature), $"key, case {test.TcId}: {test.Comment}");
            }
        }
    }

    [Fact]
    public void Files_are_all_there_and_hold_every_case()
    {
        var rows = Files.Select(row => row.Data).ToList();

        Assert.Equal(29, rows.Count);
        Assert.Equal(8154, rows.Sum(row => row.Item3 + row.Item4 + row.Item5));
        Assert.Equal(9, rows.Sum(row => row.Item5));
        Assert.Equal(rows.Select(row => row.Item1).Order(), Directory.GetFiles(WycheproofFile.Folder).Select(path => Path.GetFileName(path)).Order());
    }

    [Fact]
    public void Pss_signatures_with_another_salt_length_are_refused()
    {
        var refused = 0;
        var accepted = 0;
        foreach (var group in Files.Select(row => WycheproofFile.Read(row.Data.Item1)).SelectMany(file => file.TestGroups).Where(HasOtherSalt))
        {
            var verify = PrimitiveOf(group);
            refused += group.Tests.Count(test => test.Result is WycheproofResult.Valid && !verify(test.Message, test.Signature));
            accepted += group.Tests.Count(test => verify(test.Message, test.Signature));
        }

        Assert.Equal(193, refused);
        Assert.Equal(1, accepted);
    }

    private static bool Wanted(WycheproofGroup group, WycheproofCase test) => test.Result switch
    {
        WycheproofResult.Valid => !HasOtherSalt(group), // "valid" there means: for a verifier that was told that salt length
        WycheproofResult.Invalid => HasOurSaltInstead(group, test),
        WycheproofResult.Acceptable => AcceptableFlags[Assert.Single(test.Flags)],
        _ => throw new InvalidDataException($"case {test.TcId} has no result"),
    };

    private static bool HasOtherSalt(WycheproofGroup group) =>
        group.SLen is { } salt && salt != CryptographicOperations.HashData(group.HashName, []).Length;

    // Invalid only because its file is about another salt length than ours; see the decision note.
    private static bool HasOurSaltInstead(WycheproofGroup group, WycheproofCase test) => HasOtherSalt(group) && test.Comment == "s_len changed to 32";

    private static Func<byte[], byte[], bool> PrimitiveOf(WycheproofGroup group)
    {
        var hash = (byte[] message) => CryptographicOperations.HashData(group.HashName, message);
        switch (group.Type)
        {
            case "EcdsaVerify":
                var der = ReadEcdsa(group);
                return (message, signature) => EcdsaSignature.VerifyDer(der, hash(message), signature);
            case "EcdsaP1363Verify":
                var fixedWidth = ReadEcdsa(group);
                return (message, signature) => EcdsaSignature.VerifyFixedWidth(fixedWidth, hash(message), signature);
            case "RsassaPkcs1Verify":
                var pkcs1 = ReadRsa(group);
                return (message, signature) => RsaSignature.VerifyPkcs1(pkcs1, group.HashName, hash(message), signature);
            case "RsassaPssVerify":
                Assert.Equal(("MGF1", group.Sha), (group.Mgf, group.MgfSha));
                var pss = ReadRsa(group);
                return (message, signature) => RsaSignature.VerifyPss(pss, group.HashName, hash(message), signature);
            case "EddsaVerify":
                var point = Ed25519Signature.ReadKey(group.SubjectPublicKeyInfo.AsSpan()[^32..]);
                Assert.NotNull(point);
                return (message, signature) => Ed25519Signature.Verify(point, message, signature);
            default:
                throw new InvalidDataException($"type {group.Type}");
        }
    }

    // Null where the file is about no algorithm of ours, and where its key is one we refuse: exponent 3.
    private static PublicKey? KeyOf(WycheproofGroup group, SignatureAlgorithm algorithm)
    {
        if (algorithm is SignatureAlgorithm.Unspecified)
        {
            return null;
        }

        var hasExponent3 = group.PublicKeyDer.EndsWith("020103", StringComparison.Ordinal) && group.Type == "RsassaPkcs1Verify";
        Assert.True(hasExponent3 != PublicKey.TryReadPem(group.PublicKeyPem, algorithm, out var key, out var problem), problem);
        return key;
    }

    private static ECDsa ReadEcdsa(WycheproofGroup group)
    {
        var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(group.SubjectPublicKeyInfo, out _);
        return key;
    }

    private static RSA ReadRsa(WycheproofGroup group)
    {
        var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(group.SubjectPublicKeyInfo, out _);
        return key;
    }
}
