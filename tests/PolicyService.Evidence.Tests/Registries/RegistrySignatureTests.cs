using System.Text;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>What caches and the archive keep of signatures beside an image, read again.</summary>
public sealed class RegistrySignatureTests
{
    private const string Kept = """{"name":"a.test/i@sha256:0","format":"dsse","payload":"e30=","signatures":["AQ==","Ag=="]}""";

    public static TheoryData<string, string> Refused => new()
    {
        { Kept, "" },
        { Kept, "[]" },
        { "}", "" },
        { "}", ",\"more\":1}" },
        { "\"name\":\"a.test/i@sha256:0\",", "" },
        { "\"a.test/i@sha256:0\"", "7" },
        { "\"a.test/i@sha256:0\"", "null" },
        { "a.test/i", new string('a', 2000) },
        { "\"dsse\"", "\"jwt\"" },
        { "\"dsse\"", "\"Dsse\"" },
        { "\"dsse\"", "null" },
        { "\"e30=\"", "\"e3\"" },
        { "\"e30=\"", "{}" },
        { "e30=", Convert.ToBase64String(new byte[Limits.PayloadBytes + 1]) },
        { "[\"AQ==\",\"Ag==\"]", "[]" },
        { "[\"AQ==\",\"Ag==\"]", "\"AQ==\"" },
        { "\"Ag==\"", "\"\"" },
        { "\"Ag==\"", "\"A\"" },
        { "\"Ag==\"", "null" },
        { "Ag==", Convert.ToBase64String(new byte[Limits.SignatureBytes + 1]) },
        { "\"Ag==\"", string.Join(',', Enumerable.Repeat("\"Ag==\"", Limits.SignaturesPerDigest)) },
        { "\"format\"", "\"name\":\"\",\"format\"" },
        { "a.test", "\\ud800" },
    };

    [Theory]
    [InlineData(SignatureFormat.OverPayload)]
    [InlineData(SignatureFormat.Dsse)]
    public void Signature_is_kept_and_read_again(SignatureFormat format)
    {
        var signature = RegistrySignature.Of("a.test/i@sha256:0", Attestations.Image, format, [1, 2], [[3], [4, 5]]);
        var again = Assert.IsType<RegistrySignature>(RegistrySignature.ReadKept(signature.Content, Attestations.Image));

        Assert.Equal(signature.Identity, again.Identity);
        Assert.Equal((EvidenceSource.Registry, Attestations.Image, "a.test/i@sha256:0"), (again.Attestation.Source, again.Attestation.ResourceDigest!.Value, again.Attestation.Name));
        Assert.Equal([1, 2], again.Attestation.Payload.ToArray());
        Assert.Equal([[3], [4, 5]], again.Attestation.Signatures.Select(one => one.Value.ToArray()));
        Assert.All(again.Attestation.Signatures, one => Assert.Equal((format, (Core.Attestors.KeyId?)null), (one.Format, one.KeyId)));
        Assert.NotEqual(signature.Identity, RegistrySignature.Of("a.test/i@sha256:1", Attestations.Image, format, [1, 2], [[3], [4, 5]]).Identity);
    }

    [Fact]
    public void Content_does_not_depend_on_how_it_was_spelled() => Assert.Equal(
        RegistrySignature.ReadKept(Encoding.UTF8.GetBytes(Kept), Attestations.Image)!.Identity,
        RegistrySignature.ReadKept(Encoding.UTF8.GetBytes(Kept.Replace(":", " : ", StringComparison.Ordinal).Replace("sha256 : 0", "sha256:0", StringComparison.Ordinal)), Attestations.Image)!.Identity);

    [Theory, MemberData(nameof(Refused))]
    public void What_was_not_kept_here_is_not_read(string part, string replacement)
    {
        var text = Kept.Replace(part, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Kept, text);
        Assert.Null(RegistrySignature.ReadKept(Encoding.UTF8.GetBytes(text), Attestations.Image));
    }

    [Fact]
    public void Formats_of_one_signature_are_remembered_apart()
    {
        var key = new TestKey();
        var payload = Encoding.UTF8.GetBytes("{}");
        var raw = RegistrySignature.Of("n", Attestations.Image, SignatureFormat.OverPayload, payload, [key.Sign(payload)]).Attestation;
        var dsse = RegistrySignature.Of("n", Attestations.Image, SignatureFormat.Dsse, payload, [key.Sign(payload)]).Attestation;
        var memory = new Evidence.Verification.VerifiedSignatures();

        // The same bytes: a signature over the payload, and none over its encoding.
        Assert.Equal(Core.Verification.RejectionReason.PayloadInvalid, Reason(memory.Check(key.Public, raw, raw.Signatures[0])));
        Assert.Equal(Core.Verification.RejectionReason.SignatureInvalid, Reason(memory.Check(key.Public, dsse, new AttestationSignature(null, raw.Signatures[0].Value.ToArray(), SignatureFormat.Dsse))));
        Assert.Equal(2, memory.Count);

        static Core.Verification.RejectionReason Reason(Core.Verification.VerificationResult result) => Assert.IsType<Core.Verification.VerificationResult.Rejected>(result).Reason;
    }
}
