using System.Text;
using CsCheck;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Attestations;

public sealed class SimpleSigningPayloadTests
{
    private const string Hex = "634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00";
    private const string Identity = "\"identity\":{\"docker-reference\":\"r.example/a\"}";
    private const string Image = "\"image\":{\"docker-manifest-digest\":\"sha256:" + Hex + "\"}";
    private const string Type = "\"type\":\"Google cloud binauthz container signature\"";
    private const string Critical = "\"critical\":{" + Identity + "," + Image + "," + Type + "}";
    private const string Good = "{" + Critical + "}";
    private const string Cosign = "{\"critical\":{" + Identity + "," + Image + ",\"type\":\"cosign container image signature\"},\"optional\":null}";

    public static TheoryData<string, string, SimpleSigningType> Accepted => new()
    {
        { "Binary Authorization", Good, SimpleSigningType.BinaryAuthorization },
        { "cosign", Cosign, SimpleSigningType.Cosign },
        { "empty optional", Optional("{}"), SimpleSigningType.BinaryAuthorization },
        { "optional first", "{\"optional\":null," + Critical + "}", SimpleSigningType.BinaryAuthorization },
        { "anything in optional", Optional("{\"creator\":\"c\",\"timestamp\":1657296609,\"critical\":{\"type\":1}}"), SimpleSigningType.BinaryAuthorization },
        { "white space", "\r\n\t " + Good + " \n", SimpleSigningType.BinaryAuthorization },
        { "escaped name", Good.Replace("\"type\"", "\"\\u0074ype\"", StringComparison.Ordinal), SimpleSigningType.BinaryAuthorization },
        { "64 levels", Optional(Nested(63)), SimpleSigningType.BinaryAuthorization },
        { "64 KiB", Good + new string(' ', (64 * 1024) - Good.Length), SimpleSigningType.BinaryAuthorization },
    };

    public static TheoryData<string, string, string> RejectedText => new()
    {
        { "empty", "", "strict JSON" },
        { "not JSON", "signed", "strict JSON" },
        { "byte order mark", "\ufeff" + Good, "strict JSON" },
        { "trailing text", Good + "x", "strict JSON" },
        { "trailing value", Good + "{}", "strict JSON" },
        { "trailing zero byte", Good + "\0", "strict JSON" },
        { "comment", Good + "// checked", "strict JSON" },
        { "comment inside", Good.Replace("{\"critical", "{/**/\"critical", StringComparison.Ordinal), "strict JSON" },
        { "trailing comma", "{" + Critical + ",}", "strict JSON" },
        { "single quotes", Good.Replace('"', '\''), "strict JSON" },
        { "65 levels", Optional(Nested(64)), "strict JSON" },
        { "very deep", Optional(Nested(10_000)), "strict JSON" },
        { "over 64 KiB", Good + new string(' ', (64 * 1024) - Good.Length + 1), "larger than 64 KiB" },
        { "large optional", Optional("{\"a\":\"" + new string('a', 1024 * 1024) + "\"}"), "larger than 64 KiB" },
        { "critical twice", "{" + Critical + "," + Critical + "}", "strict JSON" },
        { "digest twice", Good.Replace(Image, Image[..^1] + "," + Image[9..], StringComparison.Ordinal), "strict JSON" },
        { "digest twice, once escaped", Good.Replace(Image, Image[..^1] + ",\"\\u0064" + Image[11..], StringComparison.Ordinal), "strict JSON" },
        { "image twice", Good.Replace(Image, Image + "," + Image, StringComparison.Ordinal), "strict JSON" },
        { "optional twice", "{" + Critical + ",\"optional\":null,\"optional\":null}", "strict JSON" },
        { "field twice inside optional", Optional("{\"a\":1,\"a\":2}"), "strict JSON" },
        { "half a surrogate pair as reference", Good.Replace("r.example/a", "\\ud800", StringComparison.Ordinal), "surrogate" },
        { "half a surrogate pair as field", "{" + Critical + ",\"\\ud800\":1}", "surrogate" },
    };

    public static TheoryData<string, string, string> RejectedShape => new()
    {
        { "array", "[" + Good + "]", "not an object of `critical`" },
        { "null", "null", "not an object of `critical`" },
        { "empty object", "{}", "not an object of `critical`" },
        { "only optional", "{\"optional\":{}}", "not an object of `critical`" },
        { "other top-level field", "{" + Critical + ",\"issuer\":1}", "not an object of `critical`" },
        { "case variant of critical", Good.Replace("critical", "Critical", StringComparison.Ordinal), "not an object of `critical`" },
        { "case variant beside critical", "{" + Critical + ",\"Critical\":{}}", "not an object of `critical`" },
        { "optional is a string", Optional("\"a\""), "`optional` is neither" },
        { "optional is an array", Optional("[]"), "`optional` is neither" },
        { "optional is false", Optional("false"), "`optional` is neither" },
        { "critical is null", "{\"critical\":null}", "`critical` is not an object" },
        { "critical is an array", "{\"critical\":[]}", "`critical` is not an object" },
        { "other field in critical", Good.Replace(Type, Type + ",\"x\":1", StringComparison.Ordinal), "`critical` is not an object" },
        { "case variant beside image", Good.Replace(Image, Image + ",\"Image\":{}", StringComparison.Ordinal), "`critical` is not an object" },
        { "critical in critical", "{\"critical\":{" + Critical + "}}", "`critical` is not an object" },
        { "no identity", Good.Replace(Identity + ",", "", StringComparison.Ordinal), "`critical.identity`" },
        { "identity is a string", Good.Replace(Identity, "\"identity\":\"r.example/a\"", StringComparison.Ordinal), "`critical.identity`" },
        { "empty identity", Good.Replace(Identity, "\"identity\":{}", StringComparison.Ordinal), "`critical.identity`" },
        { "other field in identity", Good.Replace("/a\"}", "/a\",\"x\":1}", StringComparison.Ordinal), "`critical.identity`" },
        { "reference is null", Good.Replace("\"r.example/a\"", "null", StringComparison.Ordinal), "`critical.identity`" },
        { "reference is a number", Good.Replace("\"r.example/a\"", "1", StringComparison.Ordinal), "`critical.identity`" },
        { "no image", Good.Replace(Image + ",", "", StringComparison.Ordinal), "`critical.image`" },
        { "empty image", Good.Replace(Image, "\"image\":{}", StringComparison.Ordinal), "`critical.image`" },
        { "other field in image", Good.Replace(Hex + "\"}", Hex + "\",\"x\":1}", StringComparison.Ordinal), "`critical.image`" },
        { "case variant of the digest field", Good.Replace("docker-manifest", "Docker-manifest", StringComparison.Ordinal), "`critical.image`" },
        { "digest is an array", Good.Replace("\"sha256:" + Hex + "\"", "[\"sha256:" + Hex + "\"]", StringComparison.Ordinal), "`critical.image`" },
        { "digest without algorithm", Good.Replace("sha256:", "", StringComparison.Ordinal), "`critical.image`" },
        { "sha512 digest", Good.Replace("sha256:" + Hex, "sha512:" + Hex + Hex, StringComparison.Ordinal), "`critical.image`" },
        { "upper-case digest", Good.Replace(Hex, Hex.ToUpperInvariant(), StringComparison.Ordinal), "`critical.image`" },
        { "digest with a space", Good.Replace(Hex, Hex + " ", StringComparison.Ordinal), "`critical.image`" },
        { "short digest", Good.Replace(Hex, Hex[1..], StringComparison.Ordinal), "`critical.image`" },
    };

    [Theory, MemberData(nameof(Accepted))]
    public void TryParse_reads(string name, string json, SimpleSigningType type)
    {
        Assert.True(SimpleSigningPayload.TryParse(Encoding.UTF8.GetBytes(json), out var payload, out var problem), $"{name}: {problem}");

        Assert.Null(problem);
        Assert.Equal(new SimpleSigningPayload("r.example/a", DigestOf(Hex), type), payload);
    }

    [Theory, MemberData(nameof(RejectedText)), MemberData(nameof(RejectedShape)), Trait("attack", "55"), Trait("attack", "59")]
    public void TryParse_rejects_and_gives_no_payload(string name, string json, string want)
    {
        Assert.False(SimpleSigningPayload.TryParse(Encoding.UTF8.GetBytes(json), out var payload, out var problem), name);

        Assert.Null(payload);
        Assert.Contains(want, problem, StringComparison.Ordinal);
    }

    [Theory, Trait("attack", "56")]
    [InlineData("missing", null)]
    [InlineData("null", "null")]
    [InlineData("number", "1")]
    [InlineData("empty", "\"\"")]
    [InlineData("PGP simple signing", "\"atomic container signature\"")]
    [InlineData("other case", "\"Cosign container image signature\"")]
    [InlineData("trailing space", "\"cosign container image signature \"")]
    [InlineData("zero byte behind", "\"cosign container image signature\\u0000\"")]
    [InlineData("enum member name", "\"Cosign\"")]
    public void TryParse_rejects_other_types(string name, string? type)
    {
        var json = Good.Replace("," + Type, type is null ? "" : ",\"type\":" + type, StringComparison.Ordinal);

        Assert.False(SimpleSigningPayload.TryParse(Encoding.UTF8.GetBytes(json), out var payload, out var problem), name);
        Assert.Null(payload);
        Assert.Contains("`critical.type`", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_rejects_invalid_utf8()
    {
        byte[] json = [.. Encoding.UTF8.GetBytes(Cosign[..^5]), .. "{\"a\":\""u8, 0xff, .. "\"}}"u8];

        Assert.False(SimpleSigningPayload.TryParse(json, out var payload, out var problem));
        Assert.Null(payload);
        Assert.Contains("not UTF-8", problem, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "57")]
    public void Payload_for_another_image_names_that_image()
    {
        var other = new string('0', 64);
        Assert.True(SimpleSigningPayload.TryParse(Encoding.UTF8.GetBytes(Good.Replace(Hex, other, StringComparison.Ordinal)), out var payload, out _));

        Assert.NotEqual(DigestOf(Hex), payload.Digest);
        Assert.Equal(DigestOf(other), payload.Digest);
    }

    [Fact]
    public void Write_gives_the_bytes_that_clients_sign()
    {
        const string want =
            "{\n  \"critical\": {\n    \"identity\": {\n      \"docker-reference\": \"registry.example.test/team/app\"\n    },\n    \"image\": {\n"
            + "      \"docker-manifest-digest\": \"sha256:" + Hex + "\"\n    },\n    \"type\": \"Google cloud binauthz container signature\"\n  }\n}\n";

        Assert.Equal(want, Encoding.ASCII.GetString(SimpleSigningPayload.Write("registry.example.test/team/app", DigestOf(Hex))));
    }

    [Fact]
    public void Written_payload_reads_back() =>
        Gen.Select(Gen.OneOf(Gen.String[Gen.Char["az09.-_/:"], 0, 30], Gen.String[Gen.Char["a\"\\\n\u0001é…{}"], 0, 9]), Gen.Byte.Array)
            .Sample((reference, content) =>
            {
                var json = SimpleSigningPayload.Write(reference, Digest.Of(content));
                Assert.True(SimpleSigningPayload.TryParse(json, out var payload, out var problem), problem);
                Assert.Equal(new SimpleSigningPayload(reference, Digest.Of(content), SimpleSigningType.BinaryAuthorization), payload);
            });

    [Fact, Trait("attack", "59")]
    public void TryParse_takes_any_bytes_without_throwing() =>
        Gen.Byte.Array.Sample(json => !SimpleSigningPayload.TryParse(json, out var payload, out _) && payload is null);

    [Fact, Trait("attack", "59")]
    public void TryParse_takes_any_change_of_one_byte_without_throwing()
    {
        var good = Encoding.UTF8.GetBytes(Cosign);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Sample((at, other) =>
        {
            byte[] json = [.. good];
            json[at] = other;
            var read = SimpleSigningPayload.TryParse(json, out var payload, out var problem);
            Assert.Equal((read, !read), (payload is not null, problem is not null));
        }, iter: 10_000);
    }

    private static string Optional(string value) => "{" + Critical + ",\"optional\":" + value + "}";

    private static string Nested(int levels) =>
        string.Concat(Enumerable.Repeat("{\"a\":", levels - 1)) + "{}" + new string('}', levels - 1);

    private static Digest DigestOf(string hex)
    {
        Assert.True(Digest.TryParse("sha256:" + hex, out var digest));
        return digest;
    }
}
