using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Tests.Documents;
using PolicyService.Core.Tests.Verification.Pgp;

namespace PolicyService.Core.Tests.Attestors;

public sealed class AttestorParserTests(GpgHome gpg)
{
    private const string File = "attestors/a.yaml";
    private const string Name = "name: projects/p/attestors/a\n";
    private const string Note = "userOwnedGrafeasNote:\n  noteReference: projects/p/notes/n\n";
    private const string Kms = "//cloudkms.googleapis.com/v1/projects/p/cryptoKeyVersions/1";

    public static TheoryData<string, string, int, int, string> Refused => new()
    {
        { "list", "- a\n", 1, 1, "the attestor is a list" },
        { "no name", Note, 1, 1, "`name` is missing" },
        { "short name", $"name: a\n{Note}", 1, 7, "`name`: `a` is not usable" },
        { "name with a slash more", $"name: projects/p/attestors/a/b\n{Note}", 1, 7, "`name`: `projects/p/attestors/a/b` is not usable" },
        { "no note", Name, 1, 1, "an attestor has exactly one note" },
        { "two notes", $"{Name}{Note}{Note.Replace("Grafeas", "Drydock", StringComparison.Ordinal)}", 1, 1, "an attestor has exactly one note" },
        { "note a string", $"{Name}userOwnedGrafeasNote: n\nuserOwnedDrydockNote: {{noteReference: projects/p/notes/n}}\n", 2, 23, "`userOwnedGrafeasNote` is `n`" },
        { "no reference", $"{Name}userOwnedGrafeasNote: {{}}\n", 2, 23, "`noteReference` is missing" },
        { "reference of an attestor", $"{Name}userOwnedGrafeasNote: {{noteReference: projects/p/attestors/a}}\n", 2, 39, "`noteReference`: `projects/p/attestors/a` is not usable" },
        { "unknown field", $"{Name}{Note}colour: red\n", 4, 1, "unknown field `colour`" },
        { "unknown field in the note", $"{Name}{Note}  keys: []\n", 4, 3, "unknown field `keys`" },
        { "keys a mapping", $"{Name}{Note}  publicKeys: {{}}\n", 4, 15, "`publicKeys` is a mapping" },
        { "key a string", $"{Name}{Note}  publicKeys: [k]\n", 4, 16, "an item of `publicKeys` is `k`" },
        { "key with more", $"{Name}{Note}  publicKeys:\n  - {{id: k, use: sign}}\n", 5, 13, "unknown field `use`" },
        { "key id with a space", $"{Name}{Note}  publicKeys:\n  - {{id: a b}}\n", 5, 10, "`id`: `a b` is not usable" },
        { "key id empty", $"{Name}{Note}  publicKeys:\n  - {{id: \"\"}}\n", 5, 10, "`id`: `` is not usable" },
        { "key id over 1,024", $"{Name}{Note}  publicKeys:\n  - {{id: {new string('k', 1025)}}}\n", 5, 10, $"`id`: `{new string('k', 120)}… (1025 characters)` is not usable" },
        { "PKIX key a string", $"{Name}{Note}  publicKeys:\n  - {{id: k, pkixPublicKey: pem}}\n", 5, 28, "`pkixPublicKey` is `pem`" },
        { "PKIX key with more", $"{Name}{Note}  publicKeys:\n  - {{id: k, pkixPublicKey: {{pem: x}}}}\n", 5, 29, "unknown field `pem`" },
        { "unknown algorithm", $"{Name}{Note}  publicKeys:\n  - {{id: k, pkixPublicKey: {{signatureAlgorithm: MD5}}}}\n", 5, 49, "`signatureAlgorithm`: `MD5` is not usable" },
        { "unspecified algorithm", $"{Name}{Note}  publicKeys:\n  - {{id: k, pkixPublicKey: {{signatureAlgorithm: SIGNATURE_ALGORITHM_UNSPECIFIED}}}}\n", 5, 49, "`signatureAlgorithm`: `SIGNATURE_ALGORITHM_UNSPECIFIED` is not usable" },
        { "two ids for one key", $"{Name}{Note}  publicKeys:\n  - {{id: k, pkixPublicKey: {{keyId: l}}}}\n", 5, 29, "`keyId` differs from the key's `id`" },
        { "key id twice", $"{Name}{Note}  publicKeys: [{{id: k}}, {{id: l}}, {{id: k}}]\n", 4, 3, "the key id `k` stands twice" },
        { "key id twice, in two places", $"{Name}{Note}  publicKeys: [{{id: k}}, {{pkixPublicKey: {{keyId: k}}}}]\n", 4, 3, "the key id `k` stands twice" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "47"), Trait("attack", "95")]
    public void Parse_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused(File, text, line, column, message, name);

    [Fact]
    [Trait("attack", "47")]
    public void Parse_refuses_one_key_given_twice_without_id()
    {
        var key = $"  - pkixPublicKey:\n      signatureAlgorithm: ECDSA_P256_SHA256\n      publicKeyPem: |\n{Indented(TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256).Pem)}\n";

        Reading.Refused(File, $"{Name}{Note}  publicKeys:\n{key}{key}", 4, 3, $"the key id `{TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256).Read().DefaultId}` stands twice");
    }

    /// <summary>Found by fuzzing: both were said to stand at 1:1, and then to have one id.</summary>
    [Fact]
    public void Unusable_keys_without_braces_are_two_keys() => Assert.Equal(
        ["4:16", "4:28"],
        Reading.Of(File, $"{Name}{Note}  publicKeys: [comment: a, comment: b]\n").Problems.Select(problem => $"{problem.Mark.Line}:{problem.Mark.Column}"));

    [Theory]
    [InlineData("neither PEM nor id", "{comment: x}")]
    [InlineData("PGP", "{asciiArmoredPgpPublicKey: x}")]
    [InlineData("no PEM", "{id: k, pkixPublicKey: {publicKeyPem: nonsense, signatureAlgorithm: ECDSA_P256_SHA256}}")]
    [Trait("attack", "51")]
    public void Parse_keeps_an_unusable_key_as_such(string name, string key)
    {
        var read = Reading.Of(File, $"{Name}{Note}  publicKeys:\n  - {key}\n");
        var problem = Assert.Single(read.Problems);
        var attestor = Assert.IsType<Attestor>(read.Content);

        Assert.True(problem.Severity is ProblemSeverity.Warning, name);
        Assert.Equal(new Mark(5, 5), problem.Mark);
        Assert.Contains("is unusable", problem.Message, StringComparison.Ordinal);
        Assert.NotEmpty(problem.Remedy);
        Assert.NotNull(Assert.Single(attestor.Keys).Problem);
        Assert.Empty(attestor.Material);
    }

    [Fact]
    public void Parse_names_a_PGP_key_by_its_fingerprint_whatever_id_is_given()
    {
        var fingerprint = gpg.Key("ed25519");
        var block = Indented(gpg.Export(fingerprint));
        string Document(string id) => $"{Name}{Note}  publicKeys:\n  - {id}asciiArmoredPgpPublicKey: |\n{block}\n";

        Assert.Equal(fingerprint, Assert.Single(Reading.Accepted<Attestor>(File, Document("")).Keys).Id.ToString());
        Assert.Equal(fingerprint, Assert.Single(Reading.Accepted<Attestor>(File, Document($"id: {fingerprint}\n    ")).Keys).Id.ToString());
        foreach (var other in new[] { "k", fingerprint.ToLowerInvariant(), fingerprint[^16..] })
        {
            var read = Reading.Of(File, Document($"id: {other}\n    "));

            Assert.Equal((ProblemSeverity.Warning, new Mark(5, 5)), (Assert.Single(read.Problems).Severity, read.Problems[0].Mark));
            Assert.Contains(fingerprint, read.Problems[0].Remedy, StringComparison.Ordinal);
            Assert.Equal(fingerprint, Assert.Single(Assert.IsType<Attestor>(read.Content).Keys).Id.ToString());
        }
    }

    [Fact]
    public void Parse_takes_no_key_that_is_two()
    {
        var key = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
        var read = Reading.Of(File, $"{Name}{Note}  publicKeys:\n  - asciiArmoredPgpPublicKey: |\n{Indented(gpg.Export(gpg.Key("ed25519")))}\n    pkixPublicKey:\n      signatureAlgorithm: ECDSA_P256_SHA256\n      publicKeyPem: |\n{Indented(key.Pem)}\n");

        Assert.Contains("at once", Assert.Single(Assert.IsType<Attestor>(read.Content).Keys).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_does_not_repeat_a_private_PGP_key()
    {
        var secret = System.Text.Encoding.ASCII.GetString(gpg.Run([], GpgHome.SigningTime, "--armor", "--export-secret-keys", gpg.Key("ed25519")));
        var read = Reading.Of(File, $"{Name}{Note}  publicKeys:\n  - asciiArmoredPgpPublicKey: |\n{Indented(secret)}\n");

        Assert.Contains("private key", Assert.Single(Assert.IsType<Attestor>(read.Content).Keys).Problem, StringComparison.Ordinal);
        Assert.All(secret.Split('\n').Where(line => line.Length > 20 && line[0] != '-'), line => Assert.All(read.Problems, problem => Assert.DoesNotContain(line, $"{problem}", StringComparison.Ordinal)));
    }

    [Fact]
    public void Parse_reads_a_key_that_is_kept_elsewhere() =>
        Assert.True(Assert.Single(Reading.Accepted<Attestor>(File, $"{Name}{Note}  publicKeys:\n  - {{id: {Kms}}}\n").Keys) is { IsRemote: true, Id: var id } && id.ToString() == Kms);

    [Fact]
    public void Parse_reads_an_attestor_without_keys() => Assert.Empty(Reading.Accepted<Attestor>(File, Name + Note).Keys);

    [Fact]
    public void Parse_gives_the_same_attestor_from_YAML_and_JSON()
    {
        var key = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
        var yaml = Reading.Accepted<Attestor>(File, $"{Name}{Note}  publicKeys:\n  - pkixPublicKey:\n      signatureAlgorithm: ECDSA_P256_SHA256\n      publicKeyPem: |\n{Indented(key.Pem)}\n");
        var json = Reading.Accepted<Attestor>("attestors/a.json", $$$"""
            {"name": "projects/p/attestors/a", "userOwnedGrafeasNote": {"noteReference": "projects/p/notes/n", "publicKeys": [
              {"pkixPublicKey": {"publicKeyPem": "{{{key.Pem.Replace("\n", "\\n", StringComparison.Ordinal)}}}", "signatureAlgorithm": "EC_SIGN_P256_SHA256"}}]}}
            """);

        Assert.Equal((yaml.Name, yaml.Note), (json.Name, json.Note));
        Assert.Equal(yaml.Keys.Select(one => one.Id), json.Keys.Select(one => one.Id));
        Assert.Equal(yaml.Material, json.Material);
    }

    [Fact]
    public void Parse_reports_all_problems_at_once() => Assert.Equal(
        [
            "1:7 `name`: `a` is not usable", "3:18 `noteReference`: `n` is not usable", "5:10 `id`: `a b` is not usable",
            "6:5 unknown field `use`", "7:49 `signatureAlgorithm`: `MD5` is not usable", "4:3 the key id `k` stands twice", "10:1 unknown field `colour`",
        ],
        Reading.Problems(File, """
            name: a
            userOwnedGrafeasNote:
              noteReference: n
              publicKeys:
              - {id: a b}
              - use: x
              - {id: l, pkixPublicKey: {signatureAlgorithm: MD5}}
              - {id: k}
              - {id: k}
            colour: red
            """).Where(problem => !problem.Contains("unusable", StringComparison.Ordinal)));

    private static string Indented(string pem) => string.Join('\n', pem.TrimEnd().Split('\n').Select(line => $"        {line}"));
}
