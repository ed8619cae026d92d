using System.Diagnostics;
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

    /// <summary>Documents eight times as long may take a generous forty times as long, and not the sixty-four of a quadratic reader.</summary>
    [Theory]
    [InlineData("policy.yaml", "", "f: [a, {b: c}]\n", "", true)]
    [InlineData("policy.yaml", "a: ", "x", "\n", false)]
    [InlineData("policy.yaml", "a: \"", "\\u0041", "\"\n", false)]
    [InlineData("policy.yaml", "a: |\n", "  line\n", "", false)]
    [InlineData("policy.yaml", "", "[", "", false)]
    [InlineData("policy.yaml", "", "- ", "", false)]
    [InlineData("policy.yaml", "", "a: b: ", "", false)]
    [InlineData("policy.yaml", "a: [", "b, ", "]\n", false)]
    [InlineData("policy.yaml", "admissionWhitelistPatterns:\n", "- namePattern: gcr.io/p/x*\n", "", false)]
    [InlineData("policy.yaml", "", "---\n", "", false)]
    [InlineData("policy.yaml", "", "# comment\n", "", false)]
    [InlineData("policy.json", "{", "\"f\": [1, {\"b\": null}], ", "\"z\": 1}", true)]
    [InlineData("policy.json", "", "[", "", false)]
    [InlineData("policy.json", "{\"a\": \"", "\\u0041", "\"}", false)]
    [InlineData("attestations/a.json", "[", "{\"noteName\": \"projects/p/notes/n\"}, ", "{}]", false)]
    [InlineData("attestors/a.yaml", "name: projects/p/attestors/a\nuserOwnedGrafeasNote:\n  noteReference: projects/p/notes/n\n  publicKeys:\n", "  - {id: k}\n", "", true)]
    [InlineData("options.yaml", "revocations:\n", "- {reason: r, author: a}\n", "", false)]
    [InlineData("clusters.yaml", "clusters:\n", "  a.b: {project: p, platform: GKE}\n", "", true)]
    public void Parse_takes_linear_time(string file, string start, string repeated, string end, bool isNumbered)
    {
        var (shorter, longer) = (Text(256 * 1024), Text(2 * 1024 * 1024));
        Least(shorter, 1); // the first reading also compiles
        var (one, eight) = (Least(shorter, 3), Least(longer, 1));

        Assert.True(eight < 40 * Math.Max(one.TotalMilliseconds, 5) * TimeSpan.FromMilliseconds(1), $"{one.TotalMilliseconds} ms, then {eight.TotalMilliseconds} ms");

        byte[] Text(int length)
        {
            var text = new StringBuilder(start);
            for (var index = 0; text.Length < length; index++)
            {
                // Keys and ids must differ: `a.b` becomes `a.b-7`, `k` becomes `k-7`, `f` becomes `f-7`.
                text.Append(isNumbered ? repeated.Replace("a.b", $"a.b-{index}", StringComparison.Ordinal).Replace("id: k", $"id: k-{index}", StringComparison.Ordinal)
                    .Replace("f:", $"f-{index}:", StringComparison.Ordinal).Replace("\"f\"", $"\"f-{index}\"", StringComparison.Ordinal) : repeated);
            }

            return Encoding.UTF8.GetBytes(text.Append(end).ToString());
        }

        TimeSpan Least(byte[] content, int times) => Enumerable.Range(0, times).Min(_ =>
        {
            var started = Stopwatch.GetTimestamp();
            Reading.Of(file, content);
            return Stopwatch.GetElapsedTime(started);
        });
    }

    private static void Holds(ParsedDocument read)
    {
        Assert.True(read.Content is not null || read.Problems.Count > 0);
        Assert.True(read.Content is null || read.Problems.All(problem => problem.Severity is Core.Documents.ProblemSeverity.Warning));
        Assert.All(read.Problems, problem => Assert.True(problem is { Mark: { Line: > 0, Column: > 0 }, Message.Length: > 0, Remedy.Length: > 0 }, problem.ToString()));
        Assert.All(read.Problems, problem => Assert.DoesNotContain(problem.Message, character => char.IsControl(character)));
    }
}
