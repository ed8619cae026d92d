using PolicyService.Cli.Tests.Running;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Tests.Verification.Pgp;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>What the real gpg signs, <c>policyctl verify attestation --algorithm PGP</c> verifies.</summary>
public sealed class VerifyPgpTests(GpgHome gpg) : IDisposable
{
    private static readonly byte[] Payload = SimpleSigningPayload.Write("registry.example.com/shop/web", DigestOf(Samples.Hex));

    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rsa2048")]
    [InlineData("nistp256")]
    [InlineData("ed25519")]
    public async Task Signature_of_gpg_is_verified_and_a_changed_payload_refused(string algorithm)
    {
        var key = gpg.Key(algorithm);
        _folder.Write("key.asc", gpg.Export(key));
        _folder.Write("signature.asc", gpg.Sign(key, Payload));
        _folder.Write("payload.json", Payload);

        var verified = await Ask();
        _folder.Write("payload.json", [.. Payload, (byte)' ']);
        var refused = await Ask();

        Assert.Equal((0, ""), (verified.ExitCode, verified.Error));
        Assert.Contains(key, verified.Text, StringComparison.Ordinal);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Text));
        Assert.StartsWith("policyctl: refused: ", refused.Error, StringComparison.Ordinal);
    }

    private static Digest DigestOf(string hex) => Digest.TryParse($"sha256:{hex}", out var digest) ? digest : throw new ArgumentException(hex);

    private Task<Run> Ask() => Policyctl.RunHereAsync([
        "verify", "attestation", "--image", $"registry.example.com/shop/web@sha256:{Samples.Hex}", "--public-key", _folder["key.asc"],
        "--algorithm", "PGP", "--payload", _folder["payload.json"], "--signature", _folder["signature.asc"]]);
}
