using System.Security.Cryptography;

namespace PolicyService.Server.Tests;

/// <summary>A documents directory of its own, written file by file as an operator would: each change whole.</summary>
internal sealed class DocumentsFolder : IDisposable
{
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("policyservice-test-");

    public DocumentsFolder()
    {
        Path = Directory.CreateDirectory(System.IO.Path.Combine(_parent.FullName, "documents")).FullName;
    }

    public string Path { get; }

    /// <summary>A place beside the documents, for records and the like.</summary>
    public string Beside(string name) => System.IO.Path.Combine(_parent.FullName, name);

    /// <summary>A policy with every verdict in it, one attestor, one attested image.</summary>
    public static DocumentsFolder Standard(Signer signer)
    {
        var folder = new DocumentsFolder();
        folder.Write("policy.yaml", Policy(signer.Attestor));
        folder.Write("attestors/build.yaml", signer.Document());
        folder.Write("attestations/api.json", signer.Occurrence(Ask.Attested));
        return folder;
    }

    /// <summary>A folder with nothing but a policy that allows, or denies, everything.</summary>
    public static DocumentsFolder Fixed(string mode)
    {
        var folder = new DocumentsFolder();
        folder.Write("policy.yaml", FixedPolicy(mode));
        return folder;
    }

    public static string Policy(string attestor) =>
        $$"""
        name: projects/acme/policy
        admissionWhitelistPatterns:
        - namePattern: gcr.io/allowed/*
        clusterAdmissionRules:
          {{Ask.DryRun}}: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: DRYRUN_AUDIT_LOG_ONLY, requireAttestationsBy: [{{attestor}}]}
          {{Ask.Open}}: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
          {{Ask.Shut}}: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
        defaultAdmissionRule: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [{{attestor}}]}
        """;

    public static string FixedPolicy(string mode, string project = "acme") =>
        $$"""
        name: projects/{{project}}/policy
        defaultAdmissionRule: {evaluationMode: {{mode}}, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
        """;

    /// <summary>The etag of a policy is the digest of its document.</summary>
    public static string EtagOf(string document) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(document)))}";

    public void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public void Write(string name, byte[] content)
    {
        var path = System.IO.Path.Combine(Path, name);
        var directory = System.IO.Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory);
        var temporary = System.IO.Path.Combine(directory, $".{Guid.NewGuid():n}");
        File.WriteAllBytes(temporary, content);
        File.Move(temporary, path, overwrite: true);
    }

    public void Delete(string name) => File.Delete(System.IO.Path.Combine(Path, name));

    public void Dispose() => _parent.Delete(recursive: true);
}
