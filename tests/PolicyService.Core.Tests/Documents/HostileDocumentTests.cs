using System.Text;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Documents;

/// <summary>What once got past the parsers: each is a problem of its file now, and none shows what it should not.</summary>
public sealed class HostileDocumentTests
{
    private const string Secret = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
    private const string PrivateKey = $"-----BEGIN PRIVATE KEY-----\\n{Secret}\\n-----END PRIVATE KEY-----";

    public static TheoryData<string, string> Malformed => new()
    {
        { "half a surrogate pair", "a: \"\\ud83d\\u0041\"" },
        { "tag that is no URI", "!<:> a" },
        { "tag with a bracket", "a: !<http://[> b" },
        { "directive of a malformed tag", "%TAG ! :\n--- !a b" },
        { "explicit key after the end", "a: b\n...\n, ?" },
    };

    public static TheoryData<string, string> Misplaced => new()
    {
        { "as a name", $"name: \"{PrivateKey}\"" },
        { "as the note", $"{{name: projects/p/attestors/a, userOwnedGrafeasNote: {{noteReference: \"{PrivateKey}\"}}}}" },
        { "as an id", $"{{name: projects/p/attestors/a, userOwnedGrafeasNote: {{noteReference: projects/p/notes/n, publicKeys: [{{id: \"{PrivateKey}\"}}]}}}}" },
        { "as an algorithm", $"{{name: projects/p/attestors/a, userOwnedGrafeasNote: {{noteReference: projects/p/notes/n, publicKeys: [{{pkixPublicKey: {{publicKeyPem: x, signatureAlgorithm: \"{PrivateKey}\"}}}}]}}}}" },
        { "as a key of its own", $"{{name: projects/p/attestors/a, userOwnedGrafeasNote: {{noteReference: projects/p/notes/n, publicKeys: [\"{PrivateKey}\"]}}}}" },
        { "in place of the mapping", $"name: projects/p/attestors/a\nuserOwnedGrafeasNote:\n  noteReference: projects/p/notes/n\n  publicKeys:\n  - pkixPublicKey:\n      -----BEGIN PRIVATE KEY-----\n      {Secret}\n" },
        { "as the PEM", $"{{name: projects/p/attestors/a, userOwnedGrafeasNote: {{noteReference: projects/p/notes/n, publicKeys: [{{pkixPublicKey: {{publicKeyPem: \"{PrivateKey}\", signatureAlgorithm: ECDSA_P256_SHA256}}}}]}}}}" },
        { "as a field", $"{{\"{PrivateKey}\": 1}}" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void Malformed_yaml_is_a_problem_of_its_file(string name, string text)
    {
        foreach (var path in new[] { "policy.yaml", "attestations/a.yaml", "attestors/a.yaml", "options.yaml" })
        {
            var parsed = DocumentFiles.Parse(path, Encoding.UTF8.GetBytes(text));

            Assert.True(parsed.Content is null, name);
            Assert.Contains(parsed.Problems, problem => problem.Severity is ProblemSeverity.Error);
            Assert.DoesNotContain(parsed.Problems, problem => problem.Message.Contains("Exception", StringComparison.Ordinal));
        }
    }

    [Theory, MemberData(nameof(Misplaced))]
    public void Private_key_in_the_wrong_place_is_not_shown(string name, string text)
    {
        var parsed = DocumentFiles.Parse("attestors/a.yaml", Encoding.UTF8.GetBytes(text));

        Assert.NotEmpty(parsed.Problems);
        Assert.All(parsed.Problems, problem => Assert.False(problem.ToString().Contains(Secret[..16], StringComparison.Ordinal), $"{name}: {problem}"));
    }

    [Fact]
    public void Signature_that_is_no_base64_is_not_shown()
    {
        var text = $"{{noteName: projects/p/notes/n, resourceUri: 'a.test/b@sha256:{new string('0', 64)}', attestation: {{serializedPayload: e30=, signatures: [{{publicKeyId: k, signature: '{Secret}!'}}]}}}}";

        var problem = Assert.Single(DocumentFiles.Parse("attestations/a.yaml", Encoding.UTF8.GetBytes(text)).Problems);

        Assert.Contains("`signature`", problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret[..16], problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Name_of_a_file_cannot_break_a_line_of_the_log()
    {
        var parsed = DocumentFiles.Parse("attestations/evil\u001b[31m\nfail: forged.yaml", "{"u8.ToArray());

        Assert.All(parsed.Problems, problem => Assert.DoesNotContain(problem.ToString(), character => char.IsControl(character)));
    }

    [Theory]
    [InlineData(200, false)]
    [InlineData(201, true)]
    public void Rule_names_at_most_200_attestors(int count, bool isRefused)
    {
        var attestors = string.Join(", ", Enumerable.Range(0, count).Select(index => $"projects/p/attestors/a{index}"));
        var text = $"defaultAdmissionRule: {{evaluationMode: REQUIRE_ATTESTATION, enforcementMode: DRYRUN_AUDIT_LOG_ONLY, requireAttestationsBy: [{attestors}]}}";

        Assert.Equal(isRefused, DocumentFiles.Parse("policy.yaml", Encoding.UTF8.GetBytes(text)).Content is null);
    }
}
