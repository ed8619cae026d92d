using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Linting;
using PolicyService.Core.Tests.Attestors;

namespace PolicyService.Core.Tests.Linting;

public sealed class AttestorLintTests
{
    private const string BothAttestors = """
        name: projects/acme/policy
        defaultAdmissionRule:
          evaluationMode: REQUIRE_ATTESTATION
          enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
          requireAttestationsBy: [projects/acme/attestors/build, projects/acme/attestors/qa]
        """;

    private const string Kms = "{id: //cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1}";
    private const string Broken = "{pkixPublicKey: {publicKeyPem: \"no key\", signatureAlgorithm: ECDSA_P256_SHA256}}";

    [Fact]
    public void Attestor_without_keys_is_an_error() =>
        Assert.Equal(["PS012 attestors/build.yaml:4:3"], new Documents().With("attestors/build.yaml", Documents.Attestor("build")).Places());

    [Fact]
    public void Attestor_without_a_usable_key_is_an_error_there_and_at_its_rule() => Assert.Equal(
        ["PS013 attestors/build.yaml:4:3", "PS002 attestors/build.yaml:4:16", "PS013 policy.yaml:2:1"],
        new Documents().With("attestors/build.yaml", Documents.Attestor("build", Broken)).Places());

    [Fact]
    public void Attestor_with_a_usable_key_beside_a_broken_one_stands() => Assert.Equal(
        ["PS002 attestors/build.yaml:4:16"],
        new Documents().With("attestors/build.yaml", Documents.Attestor("build", Broken, Documents.Key(SignatureAlgorithm.Ed25519))).Places());

    [Fact]
    public void Key_kept_elsewhere_without_a_pin_is_an_error_at_the_rule() =>
        Assert.Equal(["PS017 policy.yaml:2:1"], new Documents().With("attestors/build.yaml", Documents.Attestor("build", Kms)).Places());

    [Fact]
    public void Key_kept_elsewhere_with_a_pin_is_left_alone() => Assert.Empty(new Documents()
        .With("attestors/build.yaml", Documents.Attestor("build", Kms))
        .With("options.yaml", "pinnedKeys:\n  \"//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1\": sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        .Places());

    public static TheoryData<SignatureAlgorithm> Algorithms => TestKey.Algorithms;

    [Theory, MemberData(nameof(Algorithms))]
    public void Key_of_2048_bits_is_weak_and_no_other(SignatureAlgorithm algorithm)
    {
        var isWeak = algorithm is SignatureAlgorithm.RsaPss2048Sha256 or SignatureAlgorithm.RsaPkcs1With2048Sha256;

        Assert.Equal(isWeak ? ["PS014 attestors/build.yaml:4:16"] : [], new Documents().WithAttestor("build", algorithm).Places());
    }

    [Fact]
    public void Key_of_two_attestors_is_a_warning_at_both() => Assert.Equal(
        ["PS015 attestors/build.yaml:4:3", "PS015 attestors/qa.yaml:4:3"],
        new Documents().WithAttestor("qa", SignatureAlgorithm.EcdsaP256Sha256).With("policy.yaml", BothAttestors).Places());

    [Theory]
    [InlineData("//cloudkms.googleapis.com/v1/{0}/cryptoKeyVersions/1", "//cloudkms.googleapis.com/v1/{0}/cryptoKeyVersions/1", true)]
    [InlineData("//cloudkms.googleapis.com/v1/{0}/cryptoKeyVersions/1", "gcpkms://{0}/cryptoKeyVersions/1", true)]
    [InlineData("//cloudkms.googleapis.com/v1/{0}/cryptoKeyVersions/1", "gcpkms://{0}/versions/1", true)]
    [InlineData("//cloudkms.googleapis.com/v1/{0}/cryptoKeyVersions/1", "gcpkms://{0}/versions/2", false)]
    public void Key_version_kept_elsewhere_that_two_attestors_name_is_shared(string build, string qa, bool isShared) => Assert.Equal(
        isShared ? ["attestors/build.yaml:4:3", "attestors/qa.yaml:4:3"] : [],
        new Documents().With("policy.yaml", BothAttestors)
            .With("attestors/build.yaml", Documents.Attestor("build", IdOf(build)))
            .With("attestors/qa.yaml", Documents.Attestor("qa", IdOf(qa)))
            .Places().Where(place => place.StartsWith("PS015 ", StringComparison.Ordinal)).Select(place => place[6..]));

    [Fact]
    public void Key_kept_elsewhere_is_shared_with_the_attestor_that_has_its_pem() => Assert.Equal(
        ["PS015 attestors/build.yaml:4:3", "PS015 attestors/qa.yaml:4:3"],
        new Documents().With("policy.yaml", BothAttestors)
            .With("attestors/qa.yaml", Documents.Attestor("qa", Kms))
            .With("options.yaml", $"pinnedKeys:\n  \"{Kms[5..^1]}\": {Digest.Of(PublicKeyOf(SignatureAlgorithm.EcdsaP256Sha256).SubjectPublicKeyInfo.Span)}")
            .Places());

    [Fact]
    public void Key_of_many_attestors_is_said_once_at_each()
    {
        var documents = new Documents().WithAttestor("qa", SignatureAlgorithm.EcdsaP256Sha256).WithAttestor("c", SignatureAlgorithm.EcdsaP256Sha256).WithAttestor("d", SignatureAlgorithm.EcdsaP256Sha256);

        var findings = documents.Lint().Where(finding => finding.Rule.Code == "PS015").ToArray();
        Assert.Equal(["attestors/build.yaml", "attestors/c.yaml", "attestors/d.yaml", "attestors/qa.yaml"], findings.Select(finding => finding.File));
        Assert.StartsWith("projects/acme/attestors/c and projects/acme/attestors/build and 2 more share a key", findings[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weak_algorithm_declared_for_a_key_kept_elsewhere_is_a_warning() => Assert.Contains(
        "PS014 attestors/build.yaml:4:16",
        new Documents().With("attestors/build.yaml", Documents.Attestor("build", Kms.Replace("}", ", pkixPublicKey: {signatureAlgorithm: RSA_SIGN_PKCS1_2048_SHA256}}", StringComparison.Ordinal))).Places());

    private static string IdOf(string form) => $"{{id: \"{string.Format(System.Globalization.CultureInfo.InvariantCulture, form, "projects/p/locations/l/keyRings/r/cryptoKeys/k")}\"}}";

    private static PublicKey PublicKeyOf(SignatureAlgorithm algorithm) => PublicKey.TryReadPem(TestKey.Of(algorithm).Pem, algorithm, out var key, out var problem) ? key : throw new InvalidOperationException(problem);

    [Fact]
    public void Keys_of_their_own_are_left_alone() =>
        Assert.Empty(new Documents().WithAttestor("qa", SignatureAlgorithm.EcdsaP384Sha384).With("policy.yaml", BothAttestors).Places());

    [Fact]
    public void Key_of_two_attestors_that_take_inline_attestations_is_an_error_at_the_rule()
    {
        var documents = new Documents().WithAttestor("qa", SignatureAlgorithm.EcdsaP256Sha256).With("policy.yaml", BothAttestors)
            .With("options.yaml", "attestors:\n  projects/acme/attestors/qa: {evidenceSources: [INLINE]}");

        Assert.Equal(["policy.yaml:2", "policy.yaml:2"], documents.Lint().Where(finding => finding.Rule == LintRule.SharedKeyRefused).Select(finding => $"{finding.File}:{finding.Mark.Line}"));
    }

    [Fact]
    public void Attestors_that_share_an_unusable_key_are_unusable_and_share_nothing()
    {
        var documents = new Documents()
            .With("attestors/build.yaml", Documents.Attestor("build", "{id: k}"))
            .With("attestors/qa.yaml", Documents.Attestor("qa", "{id: k}"))
            .With("policy.yaml", BothAttestors)
            .With("options.yaml", "attestors:\n  projects/acme/attestors/qa: {evidenceSources: [INLINE]}");

        Assert.Equal(["PS013", "PS013"], documents.Lint().Where(finding => finding.File == "policy.yaml").Select(finding => finding.Rule.Code));
    }
}
