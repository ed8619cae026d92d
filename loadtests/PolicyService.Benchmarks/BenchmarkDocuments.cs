using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Benchmarks;

/// <summary>One project, one attestor, one attested image: what most benchmarks look at.</summary>
internal sealed class BenchmarkDocuments
{
    public const string Attestor = "projects/acme/attestors/build";
    private const string Required =
        $$"""{"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["{{Attestor}}"] }""";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public Digest Digest { get; } = Digest.Of("image"u8);

    public string Image => $"registry.example/team/app@{Digest}";

    public EvaluationRequest Request => ImageReference.TryParse(Image, out var image) ? new EvaluationRequest(image, ClusterOf(0)) : throw new InvalidOperationException(Image);

    public static string ClusterOf(int rule) => string.Create(CultureInfo.InvariantCulture, $"europe-west1.cluster-{rule:D6}");

    /// <summary>The files of projects with so many rules in all, at most ten thousand in one: a document has 4 MiB at most.</summary>
    public IReadOnlyList<ParsedDocument> Files(int rules)
    {
        var files = new List<ParsedDocument>();
        for (var project = 0; project * 10_000 < rules; project++)
        {
            var own = Enumerable.Range(0, Math.Min(10_000, rules - (project * 10_000))).Select(rule => $"\"{ClusterOf(rule)}\": {Required}");
            var (folder, id) = project == 0 ? ("", "acme") : ($"projects/acme-{project:D2}/", $"acme-{project:D2}");
            files.Add(Parse($"{folder}policy.json", $$"""{"name": "projects/{{id}}/policy", "clusterAdmissionRules": { {{string.Join(",\n", own)}} }, "defaultAdmissionRule": {{Required}} }"""));
        }

        files.Add(Parse("attestors/build.json", $$"""
            {"name": "{{Attestor}}", "userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/build", "publicKeys": [
              {"pkixPublicKey": {"publicKeyPem": {{JsonSerializer.Serialize(_key.ExportSubjectPublicKeyInfoPem())}}, "signatureAlgorithm": "ECDSA_P256_SHA256"} }] } }
            """));
        files.Add(Parse("attestations/app.json", Occurrence()));
        return files;
    }

    public PolicySnapshot Snapshot(int rules) => PolicySnapshot.Build(DocumentFiles.Assemble(Files(rules), []), 1);

    private string Occurrence()
    {
        var payload = SimpleSigningPayload.Write("registry.example/team/app", Digest);
        var signature = _key.SignData(payload, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return $$"""
            {"name": "projects/acme/occurrences/1", "kind": "ATTESTATION", "noteName": "projects/acme/notes/build", "resourceUri": "https://{{Image}}",
            "attestation": {"serializedPayload": "{{Convert.ToBase64String(payload)}}", "signatures": [
              {"publicKeyId": {{JsonSerializer.Serialize(KeyId.OfSubjectPublicKeyInfo(_key.ExportSubjectPublicKeyInfo()).ToString())}}, "signature": "{{Convert.ToBase64String(signature)}}"}] } }
            """;
    }

    private static ParsedDocument Parse(string path, string text)
    {
        var parsed = DocumentFiles.Parse(path, Encoding.UTF8.GetBytes(text));
        // A document that is refused would make everything after it fast.
        return parsed.Content is null ? throw new InvalidOperationException($"{path}: {string.Join(' ', parsed.Problems)}") : parsed;
    }
}
