using PolicyService.Core.Tests.Verification.Pgp;

namespace PolicyService.Core.Tests.Linting;

public sealed class PgpKeyLintTests(GpgHome gpg)
{
    private const string Expiry = "20260301T000000";
    private static readonly DateTimeOffset ExpiresAt = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Key_that_never_expires_is_left_alone() => Assert.Empty(With(gpg.Key("ed25519")).Places(ExpiresAt.AddYears(50)));

    [Fact]
    public void Key_that_expires_within_thirty_days_is_a_warning()
    {
        var documents = With(gpg.Generate("ed25519", expire: Expiry));

        Assert.Empty(documents.Places(ExpiresAt.AddDays(-30).AddSeconds(-1)));
        Assert.Equal(["PS019 attestors/build.yaml:4:16"], documents.Places(ExpiresAt.AddDays(-30)));
        Assert.Equal(["PS019 attestors/build.yaml:4:16"], documents.Places(ExpiresAt.AddSeconds(-1)));
        Assert.Contains("2026-03-01T00:00:00Z", Assert.Single(documents.Lint(ExpiresAt.AddDays(-1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_key_of_an_attestor_that_has_expired_is_an_error()
    {
        var documents = With(gpg.Generate("ed25519", expire: Expiry));

        Assert.Equal(["PS013 attestors/build.yaml:4:3", "PS018 attestors/build.yaml:4:16"], documents.Places(ExpiresAt));
        Assert.Contains("expired at 2026-03-01T00:00:00Z", documents.Lint(ExpiresAt)[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_that_has_expired_beside_one_that_holds_is_a_warning() => Assert.Equal(
        ["PS018 attestors/build.yaml:4:16"],
        With(gpg.Generate("ed25519", expire: Expiry), gpg.Key("ed25519")).Places(ExpiresAt));

    [Fact]
    public void Key_that_does_not_hold_yet_is_told_of()
    {
        var documents = With(gpg.Key("ed25519"));

        Assert.Equal(["PS013 attestors/build.yaml:4:3", "PS018 attestors/build.yaml:4:16"], documents.Places(ExpiresAt.AddYears(-1)));
        Assert.Contains("does not hold before 2026-01-01T00:00:00Z", documents.Lint(ExpiresAt.AddYears(-1))[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Signing_subkey_that_expires_soon_is_told_of_and_one_that_was_replaced_is_not()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.AddSubkey(fingerprint, "ed25519", "sign", Expiry);
        var documents = With(fingerprint);

        Assert.Equal(["PS019 attestors/build.yaml:4:16"], documents.Places(ExpiresAt.AddDays(-1)));
        Assert.Empty(documents.Places(ExpiresAt));
    }

    [Theory]
    [InlineData("rsa2048", true)]
    [InlineData("rsa3072", false)]
    [InlineData("nistp256", false)]
    public void Rsa_of_2048_bits_is_weak_in_a_pgp_key_too(string algorithm, bool isWeak) =>
        Assert.Equal(isWeak ? ["PS014 attestors/build.yaml:4:16"] : [], With(gpg.Key(algorithm)).Places());

    [Fact]
    public void Weak_subkey_that_signs_makes_the_key_weak() =>
        Assert.Equal(["PS014 attestors/build.yaml:4:16"], With(WithSubkey("sign")).Places());

    [Fact]
    public void Weak_subkey_that_cannot_sign_is_left_alone() => Assert.Empty(With(WithSubkey("encrypt")).Places());

    private string WithSubkey(string usage)
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.AddSubkey(fingerprint, "rsa2048", usage);
        return fingerprint;
    }

    private Documents With(params string[] fingerprints) => new Documents().With("attestors/build.yaml", Documents.Attestor("build", [.. fingerprints.Select(KeyOf)]));

    private string KeyOf(string fingerprint) => $"{{asciiArmoredPgpPublicKey: \"{gpg.Export(fingerprint).ReplaceLineEndings("\\n")}\"}}";
}
