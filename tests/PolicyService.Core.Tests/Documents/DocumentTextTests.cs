using System.Text;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Documents;

/// <summary>What is refused in YAML and JSON before anything is read as a document; <c>options</c> stands for all kinds.</summary>
public sealed class DocumentTextTests
{
    private const string Yaml = "options.yaml";
    private const string Json = "options.json";

    public static TheoryData<string, string, string, int, int, string> Refused => new()
    {
        { "empty YAML", Yaml, "", 1, 1, "the document is empty" },
        { "empty JSON", Json, " \n", 1, 1, "the document is empty" },
        { "only a separator", Yaml, "---\n", 1, 1, "the document is empty" },
        { "second document", Yaml, "failMode: OPEN\n---\nfailMode: CLOSED\n", 3, 1, "a second document begins here" },
        { "anchor", Yaml, "failMode: &a OPEN\n", 1, 11, "not YAML: anchors are not taken, write the value out" },
        { "anchor on a mapping", Yaml, "attestors: &a {}\n", 1, 12, "not YAML: anchors are not taken, write the value out" },
        { "anchor on a key", Yaml, "&a failMode: OPEN\n", 1, 1, "not YAML: anchors are not taken, write the value out" },
        { "alias", Yaml, "failMode: *a\n", 1, 11, "not YAML: aliases are not taken, write the value out" },
        { "alias as a key", Yaml, "*a : OPEN\n", 1, 1, "not YAML: a key must be a string" },
        { "tag", Yaml, "failMode: !!str OPEN\n", 1, 11, "not YAML: tags are not taken, quote the value if it is a string" },
        { "tag of one's own", Yaml, "failMode: !boom OPEN\n", 1, 11, "not YAML: tags are not taken, quote the value if it is a string" },
        { "tag without name", Yaml, "failMode: ! OPEN\n", 1, 11, "not YAML: tags are not taken, quote the value if it is a string" },
        { "tag on a list", Yaml, "registries: !!seq []\n", 1, 13, "not YAML: tags are not taken, quote the value if it is a string" },
        { "merge key", Yaml, "<<: {failMode: OPEN}\n", 1, 1, "unknown field `<<`" },
        { "mapping as a key", Yaml, "? {a: b}\n: c\n", 1, 3, "not YAML: a key must be a string" },
        { "key twice in YAML", Yaml, "failMode: OPEN\nfailMode: OPEN\n", 2, 1, "the key `failMode` stands twice" },
        { "key twice, escaped, in YAML", Yaml, "failMode: OPEN\n\"fail\\u004dode\": OPEN\n", 2, 1, "the key `failMode` stands twice" },
        { "key twice in JSON", Json, "{\"failMode\": \"OPEN\",\n \"failMode\": \"OPEN\"}", 2, 2, "the key `failMode` stands twice" },
        { "key twice, escaped, in JSON", Json, "{\"failMode\": \"OPEN\",\n \"fail\\u004dode\": \"OPEN\"}", 2, 2, "the key `failMode` stands twice" },
        { "key twice in a list of JSON", Json, "{\"revocations\": [], \"attestors\": {\"x\": 1,\n \"x\": 1}}", 2, 2, "the key `x` stands twice" },
        { "comment in JSON", Json, "{} // no", 1, 4, "not JSON (or nested deeper than 64)" },
        { "trailing comma in JSON", Json, "{\"failMode\": \"OPEN\",}", 1, 21, "not JSON (or nested deeper than 64)" },
        { "two values in JSON", Json, "{}\n{}", 2, 1, "not JSON (or nested deeper than 64)" },
        { "half a surrogate pair in JSON", Json, "{\"failMode\":\n \"\\ud800\"}", 2, 2, "a string holds half a surrogate pair" },
        { "half a surrogate pair in a key", Json, "{\n \"\\ud800\": 1}", 2, 2, "a string holds half a surrogate pair" },
        { "column after wide characters", Json, "{\"é😀\": 1}", 1, 2, "unknown field `\\u00e9\\ud83d\\ude00`" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "37")]
    public void Read_refuses_at_the_place(string name, string file, string text, int line, int column, string message)
    {
        var problems = Reading.Of(file, text).Problems;

        Assert.True(problems.Count > 0, name);
        Assert.Equal($"{line}:{column} {message}", $"{problems[0].Mark.Line}:{problems[0].Mark.Column} {problems[0].Message}");
        Assert.NotEmpty(problems[0].Remedy);
        Assert.Null(Reading.Of(file, text).Content);
    }

    [Theory]
    [InlineData("flow never closed", "failMode: [OPEN\n", 2)]
    [InlineData("tab for indentation", "attestors:\n\tx: y\n", 1)]
    [InlineData("text after a scalar", "failMode: \"OPEN\" x\n", 1)]
    [InlineData("broken off behind the end of a document", "...\n, ?", 1)]
    [InlineData("a carriage return in a flow mapping", "a:\n  - {b: c, d\r: e}\n", 3)]
    public void Read_says_in_which_line_YAML_ends_to_be_YAML(string name, string text, int line)
    {
        var problem = Assert.Single(Reading.Of(Yaml, text).Problems);

        Assert.True(problem.Mark.Line == line, $"{name}: {problem}");
        Assert.StartsWith("not YAML: ", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>The library says of a mapping without braces that it stands where the text begins.</summary>
    [Theory]
    [InlineData("in a list", "[a: 1,\n b: 2]", 1, 2, 2, 2)]
    [InlineData("deeper", "[[], [a: 1],\n [? b : 2]]", 1, 7, 2, 5)]
    [InlineData("with braces", "[{a: 1},\n {b: 2}]", 1, 2, 2, 2)]
    [InlineData("a block", "- a: 1\n- b: 2", 1, 3, 2, 3)]
    public void Mapping_stands_where_its_first_key_does(string name, string text, int line, int column, int secondLine, int secondColumn)
    {
        var problems = new ProblemList(Yaml);

        var mappings = Mappings(Assert.Single(DocumentText.Read(Encoding.UTF8.GetBytes(text), problems))).Select(mapping => mapping.Mark).ToArray();

        Assert.Empty(problems.Problems);
        Assert.True(mappings is [var first, var second] && first == new Mark(line, column) && second == new Mark(secondLine, secondColumn), $"{name}: {string.Join(' ', mappings)}");

        static IEnumerable<MappingNode> Mappings(DocumentNode node) => node switch
        {
            MappingNode mapping => [mapping],
            SequenceNode sequence => sequence.Items.SelectMany(Mappings),
            _ => [],
        };
    }

    [Fact]
    public void Read_passes_over_a_byte_order_mark()
    {
        Assert.Empty(Reading.Of(Yaml, [0xEF, 0xBB, 0xBF, .. "failMode: OPEN\n"u8]).Problems);
        Assert.Empty(Reading.Of(Json, [0xEF, 0xBB, 0xBF, .. "{\"failMode\": \"OPEN\"}"u8]).Problems);
    }

    [Theory]
    [InlineData("half a character", new byte[] { (byte)'a', (byte)':', 0xC3 })]
    [InlineData("an overlong form", new byte[] { (byte)'a', (byte)':', 0xC0, 0xAF })]
    [InlineData("a surrogate", new byte[] { (byte)'a', (byte)':', 0xED, 0xA0, 0x80 })]
    [InlineData("UTF-16", new byte[] { 0xFF, 0xFE, (byte)'a', 0 })]
    public void Read_refuses_what_is_not_UTF8(string name, byte[] content)
    {
        foreach (var file in (string[])[Yaml, Json])
        {
            var problem = Assert.Single(Reading.Of(file, content).Problems);
            Assert.True(problem is { Message: "the document is not UTF-8", Mark: { Line: 1, Column: 1 }, Remedy.Length: > 0 }, name);
        }
    }

    [Fact]
    public void Read_takes_64_levels_and_refuses_65()
    {
        Assert.Equal([], Syntax("a.yaml", Flow(64)));
        Assert.Equal([], Syntax("a.yaml", Block(64)));
        Assert.Equal([], Syntax("a.json", Flow(64)));
        Assert.Equal(["not YAML: nested deeper than 64"], Syntax("a.yaml", Flow(65)));
        Assert.Equal(["not YAML: nested deeper than 64"], Syntax("a.yaml", Block(65)));
        Assert.Equal(["not YAML: nested deeper than 64"], Syntax("a.yaml", new string('[', 65) + new string(']', 65)));
        Assert.Equal(["not JSON (or nested deeper than 64)"], Syntax("a.json", Flow(65)));

        static string Flow(int levels) => $"{new string('[', levels)}1{new string(']', levels)}";
        static string Block(int levels) => string.Concat(Enumerable.Range(0, levels).Select(level => $"{new string(' ', level)}a:{(level == levels - 1 ? " 1" : "")}\n"));
    }

    [Fact]
    public void Read_takes_4_MiB_and_refuses_a_byte_more()
    {
        var content = Encoding.UTF8.GetBytes("failMode: OPEN\n#" + new string('x', Limits.MessageBytes));

        Assert.Empty(Reading.Of(Yaml, content[..Limits.MessageBytes]).Problems);
        var problem = Assert.Single(Reading.Of(Yaml, content[..(Limits.MessageBytes + 1)]).Problems);
        Assert.Equal("the document has 4194305 bytes, more than 4194304", problem.Message);
        Assert.NotEmpty(problem.Remedy);
    }

    [Fact]
    public void Read_escapes_and_cuts_what_it_shows() => Assert.Equal(
        "unknown field `\\u001b[31m\\u0060\\u0440`",
        Assert.Single(Reading.Of(Json, "{\"\\u001b[31m`\u0440\": 1}").Problems).Message);

    [Theory]
    [InlineData("null", "failMode: null\n")]
    [InlineData("tilde", "failMode: ~\n")]
    [InlineData("nothing", "failMode:\n")]
    public void Null_is_absent(string name, string text) => Assert.True(Reading.Accepted<ProjectOptions>(Yaml, text).FailModes.Count == 0, name);

    [Fact]
    public void Quoted_null_is_a_string() => Reading.Refused(Yaml, "failMode: \"null\"\n", 1, 11, "`failMode`: `null` is not usable");

    private static string[] Syntax(string file, string text)
    {
        var problems = new ProblemList(file);
        DocumentText.Read(Encoding.UTF8.GetBytes(text), problems);
        return [.. problems.Problems.Select(problem => problem.Message)];
    }
}
