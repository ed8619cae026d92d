using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Fuzz.Tests;

/// <summary>The seeds are taken: from what every parser refuses at once, mutations would come nowhere.</summary>
public sealed class SeedTests
{
    public static TheoryData<string, string> Documents => new()
    {
        { "policy", "policy" }, { "attestor", "attestors/a" }, { "attestations", "attestations/a" }, { "platform-policy", "platform-policies/p" },
        { "options", "options" }, { "system-policy", "system-policy" }, { "clusters", "clusters" },
    };

    [Theory, MemberData(nameof(Documents))]
    public void Document_is_taken(string target, string path) => Assert.All(
        Seed.Of(target), seed => Assert.NotNull(DocumentFiles.Parse(path + Path.GetExtension(seed.Name), seed.Content).Content));

    [Fact]
    public void Payload_is_taken() => Assert.All(Seed.Of("payload"), seed => Assert.True(SimpleSigningPayload.TryParse(seed.Content, out _, out var problem), problem));

    [Fact]
    public void What_lies_in_a_registry_is_taken()
    {
        Assert.All(Seed.Of("oci"), seed => Assert.True(OciManifest.TryParse(seed.Content, out _, out _) || OciIndex.TryParse(seed.Content, out _, out _), seed.Name));
        Assert.All(Seed.Of("dsse"), seed => Assert.True(DsseEnvelope.TryParse(seed.Content, out _, out var problem), problem));
        Assert.All(Seed.Of("bundle"), seed => Assert.True(SigstoreBundle.TryParse(seed.Content, out _, out var problem), problem));
        Assert.All(Seed.Of("statement"), seed => Assert.True(InTotoStatement.TryParse(seed.Content, out _, out var problem), problem));
    }

    [Fact]
    public void Known_token_verifies()
    {
        var keys = Assert.IsType<Attestor>(DocumentFiles.Parse("attestors/a.yaml", Seed.Of("attestor").Single(seed => IsKnown(seed)).Content).Content).Keys;

        Assert.All(Known("jwt"), seed => Assert.Single(keys, key => Verifies(key.Key!, seed.Content, [], SignatureFormat.Jwt)));
    }

    [Fact]
    public void Known_message_verifies_and_no_other_does()
    {
        var keys = Known("pgp-key").Select(seed => PgpKeyBlock.Read(Text(seed.Content)).Key!).ToArray();
        var payload = Known("payload").Single().Content;

        Assert.All(Seed.Of("pgp-message"), seed => Assert.Equal(IsKnown(seed), keys.Any(key => Verifies(key, seed.Content, payload, SignatureFormat.OverPayload))));
    }

    [Fact]
    public void Seed_holds_no_private_key() => Assert.All(
        FuzzTarget.All.SelectMany(target => target.Seeds), seed => Assert.DoesNotContain("PRIVATE KEY", Encoding.Latin1.GetString(seed.Content), StringComparison.Ordinal));

    private static bool IsKnown(Seed seed) => seed.Name.StartsWith("known-", StringComparison.Ordinal);

    private static IEnumerable<Seed> Known(string target) => Seed.Of(target).Where(IsKnown);

    private static string Text(byte[] content) => content[0] < 0x80
        ? Encoding.ASCII.GetString(content)
        : $"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{Convert.ToBase64String(content)}\n-----END PGP PUBLIC KEY BLOCK-----\n";

    private static bool Verifies(VerificationKey key, byte[] value, byte[] payload, SignatureFormat format)
    {
        var signature = new AttestationSignature(format is SignatureFormat.Jwt ? KeyOf(value) : key.DefaultId, value, format);
        var attestation = new Attestation(payload, [signature]) { Source = EvidenceSource.Inline };
        return AttestationVerifier.VerifySignature(key, attestation, signature) is VerificationResult.Verified;
    }

    /// <summary>The id the token names: the seeds' keys have two letters.</summary>
    private static KeyId KeyOf(byte[] token)
    {
        var header = Encoding.ASCII.GetString(System.Buffers.Text.Base64Url.DecodeFromUtf8(token.AsSpan(0, token.AsSpan().IndexOf((byte)'.'))));
        Assert.True(KeyId.TryParse(header.Split("\"kid\":\"")[1][..2], out var id));
        return id;
    }
}
