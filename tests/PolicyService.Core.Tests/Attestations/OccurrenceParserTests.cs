using PolicyService.Core.Attestations;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Attestations;

public sealed class OccurrenceParserTests
{
    private const string File = "attestations/a.yaml";
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Resource = $"resourceUri: https://r.example/a@{Digest}\n";
    private const string Note = "noteName: projects/p/notes/n\n";
    private const string Body = "attestation: {serializedPayload: cGF5bG9hZA==, signatures: [{publicKeyId: k, signature: c2ln}]}\n";

    public static TheoryData<string, string, int, int, string> Refused => new()
    {
        { "text", "hello\n", 1, 1, "the occurrence is `hello`" },
        { "item of a list", "- hello\n", 1, 3, "the occurrence is `hello`" },
        { "occurrences a mapping", "occurrences: {}\n", 1, 14, "`occurrences` is a mapping" },
        { "beside occurrences", "occurrences: []\nmore: x\n", 2, 1, "unknown field `more`" },
        { "another kind", $"kind: VULNERABILITY\n{Note}{Resource}{Body}", 1, 1, "`kind` is `VULNERABILITY`" },
        { "no note", $"{Resource}{Body}", 1, 1, "`noteName` is missing" },
        { "bad note", $"noteName: n\n{Resource}{Body}", 1, 11, "`noteName`: `n` is not usable" },
        { "no resource", $"{Note}{Body}", 1, 1, "`resourceUri` is missing" },
        { "resource with a tag only", $"{Note}resourceUri: https://r.example/a:v1\n{Body}", 2, 14, "`resourceUri`: `https://r.example/a:v1` is not usable" },
        { "resource with another scheme", $"{Note}resourceUri: oci://r.example/a@{Digest}\n{Body}", 2, 14, $"`resourceUri`: `oci://r.example/a@{Digest}` is not usable" },
        { "resource with sha512", $"{Note}resourceUri: https://r.example/a@sha512:{Digest[7..]}{Digest[7..]}\n{Body}", 2, 14, $"`resourceUri`: `{$"https://r.example/a@sha512:{Digest[7..]}{Digest[7..]}"[..120]}… (155 characters)` is not usable" },
        { "no attestation", $"{Note}{Resource}", 1, 1, "`attestation` is missing" },
        { "attestation a string", $"{Note}{Resource}attestation: yes\n", 3, 14, "`attestation` is `yes`" },
        { "attestation with more", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, type: x}}\n", 3, 48, "unknown field `type`" },
        { "no payload", $"{Note}{Resource}attestation: {{signatures: []}}\n", 3, 14, "`serializedPayload` is missing" },
        { "signature without key id", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, signatures: [{{signature: c2ln}}]}}\n", 3, 61, "`publicKeyId` is missing" },
        { "signature without bytes", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, signatures: [{{publicKeyId: k}}]}}\n", 3, 61, "`signature` is missing" },
        { "signature with a bad key id", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, signatures: [{{publicKeyId: a b, signature: c2ln}}]}}\n", 3, 75, "`publicKeyId`: `a b` is not usable" },
        { "signature with bad base64", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, signatures: [{{publicKeyId: k, signature: \"c2l%\"}}]}}\n", 3, 89, "`signature`: `c2l%` is not usable" },
        { "signature with base64 cut short", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, signatures: [{{publicKeyId: k, signature: c2lnc}}]}}\n", 3, 89, "`signature`: `c2lnc` is not usable" },
        { "signature with more", $"{Note}{Resource}attestation: {{serializedPayload: cGF5bG9hZA==, signatures: [{{publicKeyId: k, signature: c2ln, alg: none}}]}}\n", 3, 95, "unknown field `alg`" },
        { "time without a day", $"{Note}{Resource}{Body}createTime: noon\n", 4, 13, "`createTime`: `noon` is not usable" },
        { "time without a clock", $"{Note}{Resource}{Body}createTime: 2026-06-01\n", 4, 13, "`createTime`: `2026-06-01` is not usable" },
        { "unknown field", $"{Note}{Resource}{Body}envelope: {{}}\n", 4, 1, "unknown field `envelope`" },
        { "field twice", $"{Note}{Note}{Resource}{Body}", 2, 1, "the key `noteName` stands twice" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "95")]
    public void Parse_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused(File, text, line, column, message, name);

    [Theory]
    [InlineData("one", $"{Note}{Resource}{Body}", 1)]
    [InlineData("several documents", $"{Note}{Resource}{Body}---\n{Note}{Resource}{Body}---\n", 2)]
    [InlineData("a document for each, the last one empty", $"---\n{Note}{Resource}{Body}---\n---\n", 1)]
    [InlineData("empty list", "[]\n", 0)]
    [InlineData("empty occurrences", "occurrences: []\nnextPageToken: ''\n", 0)]
    [InlineData("nothing", "", 0)]
    public void Parse_counts_the_occurrences(string name, string text, int count) =>
        Assert.True(Reading.Accepted<IReadOnlyList<Attestation>>(File, text).Count == count, name);

    [Theory]
    [InlineData($"https://r.example/a@{Digest}")]
    [InlineData($"http://r.example/a@{Digest}")]
    [InlineData($"r.example/a@{Digest}")]
    [InlineData($"r.example/a:v1@{Digest}")]
    [InlineData($"r.example/b/c@{Digest}")]
    [InlineData(Digest)]
    [Trait("attack", "15")]
    public void Parse_reads_the_digest_of_any_spelling_of_the_resource(string resource) => Assert.Equal(
        Digest, Assert.Single(Reading.Accepted<IReadOnlyList<Attestation>>(File, $"{Note}resourceUri: \"{resource}\"\n{Body}")).ResourceDigest.ToString());

    [Fact]
    public void Parse_gives_the_same_attestation_from_YAML_and_JSON()
    {
        var yaml = Assert.Single(Reading.Accepted<IReadOnlyList<Attestation>>(File, $"{Note}{Resource}{Body}createTime: '2026-06-01T14:00:00+02:00'\nname: o\n"));
        var json = Assert.Single(Reading.Accepted<IReadOnlyList<Attestation>>("attestations/a.json", $$$"""
            {"noteName": "projects/p/notes/n", "resourceUri": "https://r.example/a@{{{Digest}}}", "createTime": "2026-06-01T12:00:00Z", "name": "o",
             "attestation": {"serializedPayload": "cGF5bG9hZA", "signatures": [{"publicKeyId": "k", "signature": "c2ln"}]}}
            """));

        Assert.Equal((yaml.Note, yaml.ResourceDigest, yaml.FirstSeen, yaml.Name, yaml.PayloadHash, yaml.Source), (json.Note, json.ResourceDigest, json.FirstSeen, json.Name, json.PayloadHash, json.Source));
        Assert.Equal((yaml.Signatures[0].KeyId, yaml.Signatures[0].Hash), (json.Signatures[0].KeyId, json.Signatures[0].Hash));
        Assert.Equal(EvidenceSource.Grafeas, yaml.Source);
    }

    [Fact]
    public void Parse_warns_of_JWTs_and_counts_them_for_nothing()
    {
        var read = Reading.Of(File, $"{Note}{Resource}attestation: {{jwts: [{{compactJwt: a.b.c}}]}}\n");

        Assert.Equal((ProblemSeverity.Warning, new Mark(3, 15)), (Assert.Single(read.Problems).Severity, read.Problems[0].Mark));
        Assert.Empty(Assert.Single(Assert.IsType<IReadOnlyList<Attestation>>(read.Content, exactMatch: false)).Signatures);
    }

    [Fact]
    public void Parse_reports_all_problems_at_once() => Assert.Equal(
        [
            "1:1 `kind` is `BUILD`", "2:11 `noteName`: `n` is not usable", "3:14 `resourceUri`: `r.example/a` is not usable", "4:13 `createTime`: `noon` is not usable",
            "6:22 `serializedPayload`: `%` is not usable", "8:7 `publicKeyId` is missing", "8:18 `signature`: `%` is not usable", "9:1 unknown field `colour`",
        ],
        Reading.Problems(File, """
            kind: BUILD
            noteName: n
            resourceUri: r.example/a
            createTime: noon
            attestation:
              serializedPayload: "%"
              signatures:
                - signature: "%"
            colour: red
            """));
}
