using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PolicyService.LoadTests.Documents;

/// <summary>Writes the documents of a server under load into its directory, each file whole and at once, as a mount would show it.</summary>
internal sealed class RunDocuments(string directory)
{
    /// <summary>The cluster of the default rule: attested images are allowed, others denied.</summary>
    public const string Cluster = "europe-west1.prod";

    /// <summary>Others are admitted and recorded.</summary>
    public const string DryRunCluster = "europe-west1.staging";

    public const string Project = "acme";
    public const string Attestor = "projects/acme/attestors/build";
    public const string Note = "projects/acme/notes/build";

    /// <summary>Names that are allowed without any evidence.</summary>
    public const string Allowlisted = "registry.example/system/*";

    /// <summary>Occurrences of one file: some 3 MB, below the limit of 4 MiB for a document.</summary>
    private const int PerFile = 2000;

    public string Directory => directory;

    /// <summary>The project with ten rules and one attestor.</summary>
    public void WriteProject(SigningKey key)
    {
        var rules = string.Join(",\n", Enumerable.Range(1, 8).Select(number => Rule(string.Create(CultureInfo.InvariantCulture, $"us-east1.cluster-{number}"), Required)));
        Write("policy.json", $$"""
            {"name": "projects/{{Project}}/policy", "admissionWhitelistPatterns": [{"namePattern": "{{Allowlisted}}"}], "clusterAdmissionRules": {
            {{rules}},
            {{Rule(DryRunCluster, Required.Replace("ENFORCED_BLOCK_AND_AUDIT_LOG", "DRYRUN_AUDIT_LOG_ONLY", StringComparison.Ordinal))}} },
            "defaultAdmissionRule": {{Required}}}
            """);
        Write("attestors/build.json", key.AttestorDocument());
    }

    /// <summary>A project of which every rule requires the attestor.</summary>
    public void WriteRules(string project, int rules)
    {
        var text = string.Join(",\n", Enumerable.Range(0, rules).Select(number => Rule(ClusterOf(number), Required)));
        Write($"projects/{project}/policy.json", $$"""
            {"name": "projects/{{project}}/policy", "clusterAdmissionRules": {
            {{text}} },
            "defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"} }
            """);
    }

    /// <summary>The cluster of such a rule.</summary>
    public static string ClusterOf(int rule) => string.Create(CultureInfo.InvariantCulture, $"europe-west1.cluster-{rule:D5}");

    /// <summary>A policy that allows everything on one cluster and denies everything elsewhere.</summary>
    /// <returns>The document; its digest is its etag.</returns>
    public static string FixedPolicy(string allowed) =>
        $$"""
        {"name": "projects/{{Project}}/policy", "clusterAdmissionRules": {
        {{Rule(allowed, """{"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}""")}} },
        "defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"} }
        """;

    /// <summary>The project's options, with nothing but revocations.</summary>
    public void WriteRevocations(IEnumerable<TestImage> images) => Write("options.json", $$"""
        {"revocations": [{{string.Join(",\n", images.Select(image => $$"""{"digest": "{{image.Digest}}", "reason": "load test", "author": "load test"}"""))}}]}
        """);

    /// <summary>Attestations, signed on every core.</summary>
    /// <param name="images">What is attested.</param>
    /// <param name="signatureOf">Its signature: a real one, or what is no signature of it.</param>
    /// <param name="keyId">The key that they name.</param>
    public void WriteAttestations(IReadOnlyList<TestImage> images, Func<TestImage, byte[], byte[]> signatureOf, string keyId) =>
        Parallel.ForEach(images.Chunk(PerFile).Select((chunk, number) => (chunk, number)), file =>
        {
            var text = string.Join(",\n", file.chunk.Select(image => Occurrence(image, signatureOf, keyId)));
            Write(string.Create(CultureInfo.InvariantCulture, $"attestations/{images[0].Number:D7}-{file.number:D4}.json"), $"[{text}]");
        });

    /// <summary>One attestation as Container Analysis has it.</summary>
    public static string Occurrence(TestImage image, Func<TestImage, byte[], byte[]> signatureOf, string keyId)
    {
        var payload = image.Payload();
        return $$"""
            {"name": "projects/{{Project}}/occurrences/{{image.Number}}", "kind": "ATTESTATION", "noteName": "{{Note}}", "resourceUri": "https://{{image.Reference}}",
            "createTime": "2026-01-01T00:00:00Z", "attestation": {"serializedPayload": "{{Convert.ToBase64String(payload)}}",
            "signatures": [{"publicKeyId": {{JsonSerializer.Serialize(keyId)}}, "signature": "{{Convert.ToBase64String(signatureOf(image, payload))}}"}] } }
            """;
    }

    public void Write(string name, string text)
    {
        var path = Path.Combine(directory, name);
        var folder = Path.GetDirectoryName(path)!;
        System.IO.Directory.CreateDirectory(folder);
        // The leading dot keeps it out of sight until it is whole.
        var temporary = Path.Combine(folder, $".{Guid.NewGuid():n}");
        File.WriteAllBytes(temporary, Encoding.UTF8.GetBytes(text));
        File.Move(temporary, path, overwrite: true);
    }

    private const string Required =
        $$"""{"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["{{Attestor}}"]}""";

    private static string Rule(string cluster, string rule) => $"\"{cluster}\": {rule}";
}
