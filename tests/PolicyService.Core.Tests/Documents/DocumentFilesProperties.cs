using System.Text;
using CsCheck;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Documents;

public sealed class DocumentFilesProperties
{
    private static readonly string[] Files =
    [
        "policy.yaml", "options.yaml", "clusters.yaml", "system-policy.yaml", "attestors/a.yaml", "attestations/a.yaml", "platform-policies/p.yaml",
        "policy.json", "options.json", "clusters.json", "attestors/a.json", "attestations/a.json", "platform-policies/p.json",
    ];

    // Words of the documents and the characters of their syntax, so that what comes out is nearly a document now and then.
    private static readonly Gen<string> Word = Gen.OneOf(
        Gen.OneOf(
            "name: ", "projects/p/policy", "projects/p/attestors/a", "projects/p/notes/n", "defaultAdmissionRule:", "clusterAdmissionRules:", "evaluationMode: ",
            "ALWAYS_DENY", "publicKeys:", "userOwnedGrafeasNote:", "attestation:", "signatures:", "gkePolicy:", "checkSets:", "checks:", "clusters:", "failMode: ",
            "revocations:", "attestors:", "occurrences:", "\n", "\n  ", "\n    ", "- ", "{", "}", "[", "]", ", ", ": ", "\"", "'", "|\n", ">\n", "&a ", "*a", "!!str ", "---\n", "...\n",
            "? ", "null", "~", "%YAML 1.2\n", "#", "\t", "\\u0000", "\"name\":", "\"a\":{", "1e999"),
        Gen.String);

    [Fact]
    public void No_bytes_make_Parse_throw() => Gen.Select(Gen.OneOf(Files), Gen.Byte.Array[0, 200]).Sample(
        (file, content) => Holds(Reading.Of(file, content)), iter: 20_000);

    [Fact]
    public void No_text_makes_Parse_throw() => Gen.Select(Gen.OneOf(Files), Word.Array[0, 30]).Sample(
        (file, words) => Holds(Reading.Of(file, string.Concat(words))), iter: 20_000);

    [Fact]
    public void No_change_of_a_document_makes_Parse_throw() => Gen.Select(Gen.Int[0, 1_000], Gen.Byte, Gen.Int[0, 3]).Sample((at, value, kind) =>
    {
        var content = Encoding.UTF8.GetBytes("""
            name: projects/p/attestors/a
            userOwnedGrafeasNote:
              noteReference: projects/p/notes/n
              publicKeys:
                - {id: k, comment: "x", pkixPublicKey: {signatureAlgorithm: ECDSA_P256_SHA256, publicKeyPem: 'y'}}
            """).ToList();
        at %= content.Count;
        switch (kind)
        {
            case 0: content[at] = value; break;
            case 1: content.RemoveAt(at); break;
            case 2: content.Insert(at, value); break;
            default: content.RemoveRange(at, content.Count - at); break;
        }

        Holds(Reading.Of("attestors/a.yaml", [.. content]));
    }, iter: 20_000);

    [Fact]
    public void No_path_makes_Parse_throw() => Gen.OneOf(Gen.String, Gen.OneOf("projects", "a", "attestors", "policy.yaml", "..", "").Array[0, 5].Select(parts => string.Join('/', parts)))
        .Sample(path => Reading.Of(path, "a: b\n").Place == DocumentPlace.Of(path));

    private static void Holds(ParsedDocument read)
    {
        Assert.True(read.Content is not null || read.Problems.Count > 0);
        Assert.True(read.Content is null || read.Problems.All(problem => problem.Severity is Core.Documents.ProblemSeverity.Warning));
        Assert.All(read.Problems, problem => Assert.True(problem is { Mark: { Line: > 0, Column: > 0 }, Message.Length: > 0, Remedy.Length: > 0 }, problem.ToString()));
        Assert.All(read.Problems, problem => Assert.DoesNotContain(problem.Message, character => char.IsControl(character)));
    }
}
