using System.Text;
using PolicyService.Core.Manifests.Oci;

namespace PolicyService.Core.Tests.Manifests.Oci;

/// <summary>Manifests and indexes: what is read of them, and every refusal (OCI image specification; SEMANTICS section 7).</summary>
public sealed class OciDocumentTests
{
    private const string Hex = "634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00";
    private const string Descriptor = "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" + Hex + "\",\"size\":7}";
    private const string Manifest = "{\"schemaVersion\":2,\"mediaType\":\"" + OciManifest.Oci + "\",\"config\":" + Descriptor + ",\"layers\":[" + Descriptor + "]}";
    private const string Index = "{\"schemaVersion\":2,\"mediaType\":\"" + OciIndex.Oci + "\",\"manifests\":[" + Descriptor + "]}";

    /// <summary>What becomes of either document: a part replaced, and what the problem says.</summary>
    public static TheoryData<string, string, string> Refused => new()
    {
        { "\"schemaVersion\":2", "\"schemaVersion\":1", "schemaVersion" },
        { "\"schemaVersion\":2", "\"schemaVersion\":\"2\"", "schemaVersion" },
        { "\"schemaVersion\":2", "\"schemaVersion\":2.5", "schemaVersion" },
        { "\"schemaVersion\":2,", "", "schemaVersion" },
        { "\"schemaVersion\":2", "\"schemaVersion\":2,\"schemaVersion\":2", "strict JSON" },
        { "\"mediaType\":\"application/", "\"mediaType\":\"x/", "`mediaType` is of another kind" },
        { "\"mediaType\":\"application/vnd", "\"mediaType\":7,\"x\":\"application/vnd", "`mediaType` is of another kind" },
        { "[{\"mediaType\"", "{\"mediaType\"", "strict JSON" },
        { "[" + Descriptor + "]", "{}", "is no list" },
        { "[" + Descriptor + "]", "[7]", "is no object" },
        { "[{\"mediaType\":\"a/b\",", "[{", "no `mediaType`" },
        { "[{\"mediaType\":\"a/b\"", "[{\"mediaType\":7", "`mediaType` is no string" },
        { "[{\"mediaType\":\"a/b\",\"digest\":\"sha256:" + Hex + "\",", "[{\"mediaType\":\"a/b\",", "no `digest`" },
        { "[{\"mediaType\":\"a/b\",\"digest\":\"sha256:6", "[{\"mediaType\":\"a/b\",\"digest\":\"sha256:A", "malformed `digest`" },
        { "[{\"mediaType\":\"a/b\",\"digest\":\"sha256:6", "[{\"mediaType\":\"a/b\",\"digest\":\"sha256:", "malformed `digest`" },
        { "[{\"mediaType\":\"a/b\",\"digest\":\"sha256:", "[{\"mediaType\":\"a/b\",\"digest\":\"", "malformed `digest`" },
        { "\"size\":7}]", "\"size\":-1}]", "no `size`" },
        { "\"size\":7}]", "\"size\":1.5}]", "no `size`" },
        { "\"size\":7}]", "\"size\":\"7\"}]", "no `size`" },
        { "\"size\":7}]", "\"size\":99999999999999999999}]", "no `size`" },
        { ",\"size\":7}]", "}]", "no `size`" },
        { "\"size\":7}]", "\"size\":7,\"annotations\":[]}]", "`annotations` is no object" },
        { "\"size\":7}]", "\"size\":7,\"annotations\":{\"a\":1}}]", "an annotation is no string" },
        { "\"size\":7}]", "\"size\":7,\"annotations\":{\"a\":\"1\",\"a\":\"1\"}}]", "strict JSON" },
        { "\"size\":7}]", "\"size\":7,\"artifactType\":{}}]", "`artifactType` is no string" },
        { "\"size\":7}]", "\"size\":7,\"platform\":\"linux\"}]", "`platform` is no object" },
        { "\"size\":7}]", "\"size\":7,\"platform\":{\"os\":1}}]", "`os` is no string" },
        { "\"size\":7}]", "\"size\":7}],\"subject\":[]", "`subject` is no object" },
        { "\"size\":7}]", "\"size\":7}],\"subject\":{}", "`subject` has no `mediaType`" },
        { "\"size\":7}]", "\"size\":7}],\"artifactType\":7", "`artifactType` is no string" },
        { "\"size\":7}]", "\"size\":7}],\"annotations\":\"a\"", "`annotations` is no object" },
        { "\"size\":7}]", "\"size\":7}],\"annotations\":{\"a\":\"\\ud800\"}", "surrogate" },
        { "a/b", "\u00e9\ufffd", "UTF-8" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void Document_is_refused(string part, string replacement, string problem)
    {
        var (manifest, index) = (Manifest.Replace(part, replacement, StringComparison.Ordinal), Index.Replace(part, replacement, StringComparison.Ordinal));
        Assert.NotEqual(Index, index);
        Assert.NotEqual(Manifest, manifest);

        Assert.False(OciManifest.TryParse(Bytes(manifest), out _, out var why));
        Assert.Contains(problem, why, StringComparison.Ordinal);
        Assert.False(OciIndex.TryParse(Bytes(index), out _, out why));
        Assert.Contains(problem, why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"schemaVersion\":2}")]
    public void What_is_no_document_is_refused(string text)
    {
        Assert.False(OciManifest.TryParse(Bytes(text), out _, out _));
        Assert.False(OciIndex.TryParse(Bytes(text), out _, out _));
    }

    [Theory]
    [InlineData(Manifest + "{}")]
    [InlineData("\ufeff" + Manifest)]
    [InlineData(Manifest + "//")]
    public void Manifest_is_one_value(string text) => Assert.False(OciManifest.TryParse(Bytes(text), out _, out _));

    [Fact]
    public void Document_of_two_kinds_is_neither()
    {
        var both = Manifest[..^1] + ",\"manifests\":[]}";
        Assert.False(OciManifest.TryParse(Bytes(both), out _, out var problem));
        Assert.Contains("which only an index has", problem, StringComparison.Ordinal);
        foreach (var field in (string[])["\"layers\":[]", "\"config\":" + Descriptor])
        {
            Assert.False(OciIndex.TryParse(Bytes(Index[..^1] + "," + field + "}"), out _, out problem));
            Assert.Contains("which only a manifest has", problem, StringComparison.Ordinal);
        }

        Assert.False(OciManifest.TryParse(Bytes(Index), out _, out _));
        Assert.False(OciIndex.TryParse(Bytes(Manifest), out _, out _));
    }

    [Fact]
    public void Manifest_without_config_is_refused()
    {
        Assert.False(OciManifest.TryParse(Bytes("{\"schemaVersion\":2,\"layers\":[]}"), out _, out var problem));
        Assert.Equal("`config` is missing", problem);
    }

    [Fact]
    public void Manifest_is_read()
    {
        var manifest = Read("{\"schemaVersion\":2,\"mediaType\":\"" + OciManifest.Docker + "\",\"config\":" + Descriptor
            + ",\"layers\":[" + Descriptor.Replace("}", ",\"annotations\":{\"k\":\"v\"},\"unknown\":[1]}", StringComparison.Ordinal)
            + "],\"subject\":" + Descriptor + ",\"artifactType\":\"x/y\",\"annotations\":{\"a\":\"b\"},\"unknown\":{}}");

        Assert.Equal(OciManifest.Docker, manifest.MediaType);
        Assert.Equal(("a/b", $"sha256:{Hex}", 7L), (manifest.Config!.MediaType, manifest.Config.Digest.ToString(), manifest.Config.Size));
        Assert.Equal("v", Assert.Single(manifest.Layers).Annotations["k"]);
        Assert.Equal(($"sha256:{Hex}", "x/y", "b"), ($"{manifest.Subject?.Digest}", manifest.ArtifactType, manifest.Annotations["a"]));
        Assert.Equal((0, false), (manifest.Unusable, manifest.IsCut));
    }

    [Fact]
    public void Fields_that_are_null_are_absent()
    {
        var manifest = Read("{\"schemaVersion\":2,\"mediaType\":null,\"config\":" + Descriptor + ",\"layers\":null,\"subject\":null,\"artifactType\":null,\"annotations\":null}");

        Assert.Equal(("", "", 0, 0), (manifest.MediaType, manifest.ArtifactType, manifest.Layers.Count, manifest.Annotations.Count));
        Assert.Null(manifest.Subject);
    }

    [Fact]
    [Trait("attack", "12")]
    public void Index_is_read_with_platforms()
    {
        var index = ReadIndex("{\"schemaVersion\":2,\"manifests\":[" + Descriptor.Replace("}", ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"os.version\":\"1\"}}", StringComparison.Ordinal)
            + "," + Descriptor.Replace("}", ",\"artifactType\":\"x/y\",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}}", StringComparison.Ordinal) + "]}");

        Assert.Equal(new OciPlatform("linux", "arm64", "v8"), index.Manifests[0].Platform);
        Assert.Equal((new OciPlatform("unknown", "unknown", ""), "x/y"), (index.Manifests[1].Platform, index.Manifests[1].ArtifactType));
    }

    [Theory]
    [InlineData("sha512:")]
    [InlineData("sha384:")]
    [InlineData("sha256+b64:")]
    public void Digest_of_another_algorithm_spoils_only_its_descriptor(string algorithm)
    {
        var other = Descriptor.Replace("sha256:", algorithm, StringComparison.Ordinal);

        var manifest = Read("{\"schemaVersion\":2,\"config\":" + other + ",\"layers\":[" + other + "," + Descriptor + "],\"subject\":" + other + "}");
        Assert.Null(manifest.Config);
        Assert.Null(manifest.Subject);
        Assert.Equal((1, 3), (manifest.Layers.Count, manifest.Unusable));
        var index = ReadIndex("{\"schemaVersion\":2,\"manifests\":[" + Descriptor + "," + other + "]}");
        Assert.Equal((1, 1), (index.Manifests.Count, index.Unusable));
    }

    [Fact]
    [Trait("attack", "76")]
    public void Last_thousand_entries_are_read_and_the_cut_is_said()
    {
        var thousand = Read(With(Limits.OciEntries));
        Assert.Equal((Limits.OciEntries, false, 0L), (thousand.Layers.Count, thousand.IsCut, thousand.Layers[0].Size));
        var more = Read(With(Limits.OciEntries + 1));
        Assert.Equal((Limits.OciEntries, true, 1L), (more.Layers.Count, more.IsCut, more.Layers[0].Size));
        Assert.True(ReadIndex(With(10_000).Replace("\"config\":" + Descriptor + ",\"layers\"", "\"manifests\"", StringComparison.Ordinal)).IsCut);

        static string With(int count) => "{\"schemaVersion\":2,\"config\":" + Descriptor + ",\"layers\":["
            + string.Join(',', Enumerable.Range(0, count).Select(number => Descriptor.Replace(":7}", $":{number}}}", StringComparison.Ordinal))) + "]}";
    }

    [Fact]
    public void Annotations_are_counted_over_the_whole_document()
    {
        Read(With(Limits.OciAnnotations - 1));
        Assert.False(OciManifest.TryParse(Bytes(With(Limits.OciAnnotations)), out _, out var problem));
        Assert.Contains("annotations", problem, StringComparison.Ordinal);

        static string With(int count) => Manifest[..^2].Replace("\"size\":7}", "\"size\":7,\"annotations\":{\"one\":\"\"}}", StringComparison.Ordinal).Replace("\"size\":7,\"annotations\":{\"one\":\"\"}},\"layers\"", "\"size\":7},\"layers\"", StringComparison.Ordinal)
            + "],\"annotations\":{" + string.Join(',', Enumerable.Range(0, count).Select(number => $"\"{number}\":\"\"")) + "}}";
    }

    [Fact]
    public void Document_of_4_MiB_is_read_and_a_byte_more_refused()
    {
        Read(Manifest + new string(' ', Limits.ManifestBytes - Manifest.Length));
        Assert.False(OciManifest.TryParse(Bytes(Manifest + new string(' ', Limits.ManifestBytes - Manifest.Length + 1)), out _, out var problem));
        Assert.Contains("4 MiB", problem, StringComparison.Ordinal);
        Assert.False(OciIndex.TryParse(Bytes(Index + new string(' ', Limits.ManifestBytes - Index.Length + 1)), out _, out problem));
        Assert.Contains("4 MiB", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_is_64()
    {
        Read(Manifest[..^1] + ",\"x\":" + new string('[', 63) + new string(']', 63) + "}");
        Assert.False(OciManifest.TryParse(Bytes(Manifest[..^1] + ",\"x\":" + new string('[', 64) + new string(']', 64) + "}"), out _, out _));
    }

    private static OciManifest Read(string text)
    {
        Assert.True(OciManifest.TryParse(Bytes(text), out var manifest, out var problem), problem);
        return manifest;
    }

    private static OciIndex ReadIndex(string text)
    {
        Assert.True(OciIndex.TryParse(Bytes(text), out var index, out var problem), problem);
        return index;
    }

    /// <summary>The replacement character becomes bytes that are no UTF-8.</summary>
    private static byte[] Bytes(string text) => [.. text.EnumerateRunes().SelectMany(rune => rune.Value == 0xfffd ? [0xed, 0xa0, 0x80] : Encoding.UTF8.GetBytes(rune.ToString()))];
}
