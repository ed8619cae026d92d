using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Linting;
using PolicyService.Core.Tests.Attestors;

namespace PolicyService.Core.Tests.Linting;

/// <summary>A documents directory in memory. It starts clean: one policy, one attestor, nothing to say about either.</summary>
internal sealed class Documents
{
    public const string Policy = """
        name: projects/acme/policy
        defaultAdmissionRule:
          evaluationMode: REQUIRE_ATTESTATION
          enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
          requireAttestationsBy: [projects/acme/attestors/build]
        """;

    public const string AllowAll = """
        name: projects/acme/policy
        defaultAdmissionRule: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
        """;

    /// <summary>When the documents are linted, unless a test says another time.</summary>
    public static readonly DateTimeOffset Time = new(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);

    public Documents() => With("policy.yaml", Policy).WithAttestor("build", SignatureAlgorithm.EcdsaP256Sha256);

    public static string Attestor(string id, params string[] keys) => $$"""
        name: projects/acme/attestors/{{id}}
        userOwnedGrafeasNote:
          noteReference: projects/acme/notes/{{id}}
          publicKeys: [{{string.Join(", ", keys)}}]
        """;

    public static string Key(SignatureAlgorithm algorithm) =>
        $"{{pkixPublicKey: {{publicKeyPem: \"{TestKey.Of(algorithm).Pem.ReplaceLineEndings("\\n")}\", signatureAlgorithm: {SignatureAlgorithms.Name(algorithm)}}}}}";

    public Documents With(string path, string content)
    {
        _files[path] = content;
        return this;
    }

    public Documents WithAttestor(string id, SignatureAlgorithm algorithm) => With($"attestors/{id}.yaml", Attestor(id, Key(algorithm)));

    public Documents WithAllowlist(params string[] patterns) =>
        With("policy.yaml", $"{Policy}\nadmissionWhitelistPatterns: [{string.Join(", ", patterns.Select(pattern => $"{{namePattern: \"{pattern}\"}}"))}]");

    public IReadOnlyList<LintFinding> Lint(DateTimeOffset? at = null) =>
        PolicyLinter.Lint([.. _files.Select(file => (file.Key, new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(file.Value))))], at ?? Time);

    /// <summary>The findings as <c>CODE file:line:column</c>.</summary>
    public string[] Places(DateTimeOffset? at = null) => [.. Lint(at).Select(finding => $"{finding.Rule.Code} {finding.File}:{finding.Mark.Line}:{finding.Mark.Column}")];
}
