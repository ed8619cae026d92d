using System.Text;
using System.Text.Json;
using PolicyService.Core.Images;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;
using PolicyService.Tests;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>The PGP fixtures of containers/image: every file as its name says. What they sign is simple signing of another type than ours.</summary>
public sealed class PgpVectorTests
{
    private const string Ours = "public-key.gpg";
    private static readonly string Root = Path.Combine(Path.GetDirectoryName(CaseFolder.Root)!, "containers-image", "signature", "fixtures");

    public static TheoryData<string, string> Good => new()
    {
        { "image.signature", Ours },
        { "invalid-blob.signature", Ours }, // the signature is good, what it signs is no JSON
        { "invalid-reference.signature", Ours },
        { "no-optional-fields.signature", Ours },
        { "subkey.signature", "public-key-with-subkey.gpg" },
        { "dir-img-valid/signature-1", Ours },
        { "dir-img-valid/signature-1", "public-key-1.gpg" }, // the same key, not armored
        { "dir-img-valid-2/signature-1", Ours },
        { "dir-img-valid-2/signature-2", Ours },
        { "dir-img-valid-subkey/signature-1", "public-key-with-subkey.gpg" },
        { "dir-img-mixed/signature-1", Ours },
        { "dir-img-mixed/signature-2", Ours },
        { "dir-img-modified-manifest/signature-1", Ours },
        { "dir-img-manifest-digest-error/signature-1", Ours },
        { "dir-img-no-manifest/signature-1", Ours },
    };

    public static TheoryData<string, string, string> Bad => new()
    {
        { "corrupt.signature", Ours, "bytes follow" }, // an editor left a line end there
        { "unknown-key.signature", Ours, "by the key" },
        { "subkey.signature", Ours, "by the key" },
        { "dir-img-valid/signature-1", "public-key-2.gpg", "by the key" },
        { "unsigned-literal.signature", Ours, "signatures alone" },
        { "unsigned-encrypted.signature", Ours, "signatures alone" },
        { "corrupt.signature-v3", Ours, "bytes follow" },
        { "invalid-blob.signature-v3", Ours, "by the key" }, // version 3 is not read
        { "subkey.signature-v3", "public-key-with-subkey.gpg", "by the key" },
        { "unknown-key.signature-v3", Ours, "by the key" },
    };

    [Theory, MemberData(nameof(Good))]
    public void Good_signature_verifies_and_only_over_its_document(string name, string keyFile)
    {
        var (key, message, document) = Read(name, keyFile);

        Assert.True(PgpVerifier.TryVerify(key, message, document, out var periods, out var problem), problem);
        Assert.Contains(periods, period => period.Contains(Now));
        Assert.False(PgpVerifier.TryVerify(key, message, document.AsMemory(1), out _, out _));
        Assert.Equal(RejectionReason.PayloadInvalid, Assert.IsType<VerificationResult.Rejected>(Verify(key, message, document)).Reason);
    }

    [Theory, MemberData(nameof(Bad))]
    public void Bad_signature_is_refused(string name, string keyFile, string because)
    {
        var (key, message, document) = Read(name, keyFile);

        Assert.False(PgpVerifier.TryVerify(key, message, document, out var periods, out var problem));
        Assert.Empty(periods);
        Assert.Contains(because, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Corrupt_signature_does_not_verify_without_its_line_end_either()
    {
        var (key, message, _) = Read("corrupt.signature", Ours);
        Assert.True(PgpMessage.TryParse(message.AsMemory(..^1), out var parsed, out _));

        Assert.False(PgpVerifier.TryVerify(key, message.AsMemory(..^1), parsed.Literal, out _, out var problem));
        Assert.Contains("does not verify", problem, StringComparison.Ordinal);
    }

    /// <summary>Of subkey-revoked.signature and its version 3: the primary only certifies, so nothing is left that could sign.</summary>
    [Fact]
    public void Key_whose_signing_subkey_is_revoked_is_unusable() =>
        Assert.Contains("a subkey is revoked", Problem(File.ReadAllText(Path.Combine(Root, "public-key-with-revoked-subkey.gpg"))), StringComparison.Ordinal);

    [Fact]
    public void Expired_signature_held_until_it_expired()
    {
        var (key, message, document) = Read("expired.signature", Ours);
        var end = new DateTimeOffset(2025, 6, 24, 10, 0, 0, TimeSpan.Zero);

        Assert.True(PgpVerifier.TryVerify(key, message, document, out var periods, out var problem), problem);
        Assert.True(Assert.Single(periods).Contains(end.AddTicks(-1)));
        Assert.False(periods[0].Contains(end));
    }

    [Theory]
    [InlineData("dir-img-valid", true)]
    [InlineData("dir-img-valid-subkey", true)]
    [InlineData("dir-img-modified-manifest", false)]
    [InlineData("dir-img-manifest-digest-error", false)]
    [Trait("attack", "57")]
    public void Folder_is_what_its_signature_says_or_not(string folder, bool agrees)
    {
        var (_, _, document) = Read($"{folder}/signature-1", folder.EndsWith("subkey", StringComparison.Ordinal) ? "public-key-with-subkey.gpg" : Ours);
        using var json = JsonDocument.Parse(document);
        var signed = json.RootElement.GetProperty("critical").GetProperty("image").GetProperty("docker-manifest-digest").GetString();

        Assert.Equal(agrees, signed == Digest.Of(File.ReadAllBytes(Path.Combine(Root, folder, "manifest.json"))).ToString());
    }

    [Fact]
    public void Key_ring_of_several_keys_is_refused() =>
        Assert.Contains("more than one key", Problem(Block(File.ReadAllBytes(Path.Combine(Root, "pubring.gpg")))), StringComparison.Ordinal);

    [Fact]
    public void Every_file_is_tested()
    {
        string[] others = ["expired.signature", "subkey-revoked.signature", "subkey-revoked.signature-v3", "pubring.gpg", "public-key.gpg", "public-key-1.gpg", "public-key-2.gpg", "public-key-with-subkey.gpg", "public-key-with-revoked-subkey.gpg"];
        var tested = Good.Select(row => row.Data.Item1).Concat(Bad.Select(row => row.Data.Item1)).Concat(others).ToHashSet(StringComparer.Ordinal);
        var files = Directory.GetFiles(Root, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'));

        // Those of cosign are tested beside a real registry (CosignRegistryTests).
        Assert.Empty(files.Where(file => !file.EndsWith("manifest.json", StringComparison.Ordinal) && !file.Contains("cosign", StringComparison.Ordinal)).Except(tested));
    }

    private static (PgpKey Key, byte[] Message, byte[] Document) Read(string name, string keyFile)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Root, keyFile));
        var key = Key(bytes[0] < 0x80 ? Encoding.ASCII.GetString(bytes) : Block(bytes));
        var message = File.ReadAllBytes(Path.Combine(Root, name));
        return (key, message, PgpMessage.TryParse(message, out var parsed, out _) ? parsed.Literal.ToArray() : []);
    }
}
