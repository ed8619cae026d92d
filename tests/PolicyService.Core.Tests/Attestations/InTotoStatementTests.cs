using System.Text;
using PolicyService.Core.Attestations;

namespace PolicyService.Core.Tests.Attestations;

public sealed class InTotoStatementTests
{
    private const string Hex = "634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00";
    private const string Type = "\"_type\":\"https://in-toto.io/Statement/v1\"";
    private const string Digests = "\"digest\":{\"sha256\":\"" + Hex + "\"}";
    private const string Subject = "{\"name\":\"r.example/a\"," + Digests + "}";
    private const string PredicateType = "\"predicateType\":\"https://sigstore.dev/cosign/sign/v1\"";
    private const string Good = "{" + Type + ",\"subject\":[" + Subject + "]," + PredicateType + ",\"predicate\":{}}";

    public static TheoryData<string, string> Accepted => new()
    {
        { Good, "r.example/a" },
        { Good.Replace("Statement/v1", "Statement/v0.1", StringComparison.Ordinal), "r.example/a" },
        { Good.Replace(",\"predicate\":{}", "", StringComparison.Ordinal), "r.example/a" },
        { Good.Replace("\"predicate\":{}", "\"predicate\":null", StringComparison.Ordinal), "r.example/a" },
        { Good.Replace("\"predicate\":{}", "\"predicate\":{\"a\":[1]}", StringComparison.Ordinal), "r.example/a" },
        { Good.Replace("\"name\":\"r.example/a\",", "", StringComparison.Ordinal), "" },
        { Good.Replace("\"r.example/a\"", "null", StringComparison.Ordinal), "" },
        { Good.Replace("{\"sha256\"", "{\"sha512\":\"00\",\"sha256\"", StringComparison.Ordinal), "r.example/a" },
        { Good.Replace(Digests, Digests + ",\"annotations\":{},\"uri\":\"u\"", StringComparison.Ordinal), "r.example/a" },
    };

    public static TheoryData<string, string, string> Refused => new()
    {
        { Type, Type + "," + Type, "strict JSON" },
        { Digests, Digests + "," + Digests, "strict JSON" },
        { "{\"sha256\"", "{\"sha256\":\"" + Hex + "\",\"\\u0073ha256\"", "strict JSON" },
        { Type, "\"type\":1", "not an object of `_type`" },
        { Type, Type + ",\"x\":1", "not an object of `_type`" },
        { "\"subject\"", "\"Subject\":[],\"subject\"", "not an object of `_type`" },
        { Type + ",", "", "`_type`" },
        { Type, "\"_type\":7", "`_type`" },
        { "Statement/v1", "Statement/v2", "`_type`" },
        { "Statement/v1", "Statement/V1", "`_type`" },
        { PredicateType + ",", "", "no `predicateType`" },
        { PredicateType, "\"predicateType\":null", "no `predicateType`" },
        { "\"predicate\":{}", "\"predicate\":[]", "`predicate` is neither" },
        { "\"predicate\":{}", "\"predicate\":\"\"", "`predicate` is neither" },
        { "\"subject\":[" + Subject + "],", "", "no `subject`" },
        { "[" + Subject + "]", "[]", "no `subject`" },
        { "[" + Subject + "]", "{}", "no `subject`" },
        { "[" + Subject + "]", "[1]", "a subject of the statement is not" },
        { Subject, "{\"name\":\"a\",\"Digest\":{}}", "a subject of the statement is not" },
        { "\"r.example/a\"", "1", "`name` of a subject" },
        { "," + Digests, "", "no `digest`" },
        { Digests, "\"digest\":\"sha256:" + Hex + "\"", "no `digest`" },
        { "\"" + Hex + "\"", "7", "a digest of a subject is no string" },
        { Hex, Hex[1..], "malformed" },
        { Hex, "A" + Hex[1..], "malformed" },
        { Hex, "sha256:" + Hex, "malformed" },
        { "r.example/a", "\\ud800", "surrogate" },
    };

    /// <summary>Statements that are well-formed and sign no image: whatever else the same key signs does not pass for it.</summary>
    public static TheoryData<string, string, string> OtherStatements => new()
    {
        { "cosign/sign/v1", "cosign/sign/v2", "predicateType is `https://sigstore.dev/cosign/sign/v2`" },
        { "https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1", "predicateType is `https://slsa.dev/provenance/v1`" },
        { "https://sigstore.dev/cosign/sign/v1", "https://spdx.dev/Document", "predicateType is `https://spdx.dev/Document`" },
        { "https://sigstore.dev/cosign/sign/v1", "https://sigstore.dev/cosign/sign/v1/", "predicateType is" },
        { "https://sigstore.dev/cosign/sign/v1", "", "predicateType is ``" },
        { Subject, Subject + "," + Subject, "several subjects" },
        { "\"sha256\"", "\"sha512\"", "no sha256 digest" },
        { Digests, "\"digest\":{}", "no sha256 digest" },
    };

    [Theory, MemberData(nameof(Accepted))]
    public void Signature_of_an_image_is_read(string text, string name)
    {
        Assert.True(Parse(text).TryReadSignature(out var payload, out var problem), problem);
        Assert.Equal((name, $"sha256:{Hex}", SimpleSigningType.Cosign), (payload.DockerReference, payload.Digest.ToString(), payload.Type));
    }

    [Theory, MemberData(nameof(Refused))]
    public void Statement_is_refused(string part, string replacement, string problem)
    {
        var text = Good.Replace(part, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Good, text);

        Assert.False(InTotoStatement.TryParse(Encoding.UTF8.GetBytes(text), out _, out var why));
        Assert.Contains(problem, why, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(OtherStatements))]
    [Trait("attack", "60")]
    public void Statement_about_something_else_signs_no_image(string part, string replacement, string problem)
    {
        var text = Good.Replace(part, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Good, text);

        Assert.False(Parse(text).TryReadSignature(out _, out var why));
        Assert.Contains(problem, why, StringComparison.Ordinal);
    }

    [Fact]
    public void Statement_of_64_KiB_is_read_and_a_byte_more_refused()
    {
        Parse(Good + new string(' ', Limits.PayloadBytes - Good.Length));
        Assert.False(InTotoStatement.TryParse(Encoding.UTF8.GetBytes(Good + new string(' ', Limits.PayloadBytes - Good.Length + 1)), out _, out var problem));
        Assert.Contains("64 KiB", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData(Good + "x")]
    [InlineData("\ufeff" + Good)]
    public void What_is_no_object_is_refused(string text) => Assert.False(InTotoStatement.TryParse(Encoding.UTF8.GetBytes(text), out _, out _));

    private static InTotoStatement Parse(string text)
    {
        Assert.True(InTotoStatement.TryParse(Encoding.UTF8.GetBytes(text), out var statement, out var problem), problem);
        return statement;
    }
}
