using System.Globalization;
using PolicyService.Core.Verification;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>When signatures hold: judged against the time of the decision, to the second.</summary>
public sealed class PgpTimeTests(GpgHome gpg)
{
    private const string Expiry = "20260301T000000";

    [Fact]
    [Trait("attack", "54")]
    public void Key_expires()
    {
        var fingerprint = gpg.Generate("ed25519", expire: Expiry);
        var result = Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload));

        AssertUntil(Expiry, result);
    }

    [Fact]
    public void Subkeys_expire_with_their_primary()
    {
        var fingerprint = gpg.Generate("ed25519", expire: Expiry);
        gpg.AddSubkey(fingerprint, "ed25519", "sign");

        AssertUntil(Expiry, Verify(Key(gpg.Export(fingerprint)), gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload)));
    }

    [Fact]
    [Trait("attack", "54")]
    public void Subkey_expires_and_its_primary_does_not()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.AddSubkey(fingerprint, "ed25519", "sign", Expiry);
        var key = Key(gpg.Export(fingerprint));

        AssertUntil(Expiry, Verify(key, gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload)));
        AssertHolds(Verify(key, gpg.Sign(fingerprint, Payload)));
    }

    [Fact]
    public void Newest_statement_about_the_expiry_counts()
    {
        var fingerprint = gpg.Generate("ed25519", expire: Expiry);
        var message = gpg.Sign(fingerprint, Payload);
        gpg.Run([], GpgHome.SigningTime, "--quick-set-expire", fingerprint, "20260401T000000");
        AssertUntil("20260401T000000", Verify(Key(gpg.Export(fingerprint)), message));

        gpg.Run([], "20260202T000000", "--quick-set-expire", fingerprint, "20260215T000000");
        AssertUntil("20260215T000000", Verify(Key(gpg.Export(fingerprint)), message), from: "20260202T000000");
    }

    [Fact]
    public void Signature_expires()
    {
        var fingerprint = gpg.Key("ed25519");

        AssertUntil("20260211T000000", Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload, "--default-sig-expire", "10")));
    }

    [Fact]
    public void Signature_of_the_future_does_not_hold_yet()
    {
        var fingerprint = gpg.Key("ed25519");
        var result = Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload));
        var made = Time(GpgHome.SigningTime);

        AssertHolds(result, made);
        AssertHolds(result, made - TimeSpan.FromMinutes(5));
        Assert.False(Holds(result, made - TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1)));
    }

    [Fact]
    public void Signature_older_than_its_key_is_refused()
    {
        var fingerprint = gpg.Key("ed25519");

        AssertRejected("older than its key", Verify(Key(gpg.Export(fingerprint)), gpg.SignAt("20251231T235959", fingerprint, Payload, "--ignore-time-conflict")));
        AssertHolds(Verify(Key(gpg.Export(fingerprint)), gpg.SignAt(GpgHome.KeyTime, fingerprint, Payload)));
    }

    [Fact]
    public void Signature_made_by_an_expired_key_never_holds()
    {
        var fingerprint = gpg.Generate("ed25519", expire: Expiry);
        var message = gpg.Sign(fingerprint, Payload);
        gpg.Run([], GpgHome.SigningTime, "--quick-set-expire", fingerprint, "20260202T000000");
        var late = gpg.SignAt("20260201T120000", fingerprint, Payload, "--default-sig-expire", "0");
        gpg.Run([], "20260201T130000", "--quick-set-expire", fingerprint, "20260201T060000");
        var key = Key(gpg.Export(fingerprint));

        Assert.Equal([default], Assert.IsType<VerificationResult.Verified>(Verify(key, late)).Periods);
        Assert.False(Holds(Verify(key, message), Time("20260201T070000")));
    }

    [Fact]
    public void Any_of_several_signatures_may_be_the_one_that_holds()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.AddSubkey(fingerprint, "ed25519", "sign", Expiry);
        var subkey = Packets(gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload, "--detach-sign"));
        var primary = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"));
        var key = Key(gpg.Export(fingerprint));

        Assert.False(Holds(Verify(key, Bytes(subkey))));
        AssertHolds(Verify(key, Bytes([.. subkey, .. primary])));
        AssertHolds(Verify(key, Bytes([.. primary, .. subkey])));
    }

    [Fact]
    public void Key_of_the_future_does_not_hold_yet()
    {
        var fingerprint = gpg.Generate("ed25519", at: "20270101T000000");
        var result = Verify(Key(gpg.Export(fingerprint)), gpg.SignAt("20270101T000000", fingerprint, Payload));

        Assert.False(Holds(result));
        AssertHolds(result, Time("20270101T000000"));
    }

    private static void AssertUntil(string end, VerificationResult result, string from = GpgHome.SigningTime)
    {
        AssertHolds(result, Time(from));
        AssertHolds(result, Time(end) - TimeSpan.FromTicks(1));
        Assert.False(Holds(result, Time(end)));
        Assert.False(Holds(result));
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.ParseExact(text, "yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
