using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PolicyService.Cli.Tests.Running;
using PolicyService.Tests.Registries;

namespace PolicyService.Cli.Tests.Registries;

/// <summary><c>policyctl tree</c> against a registry on this machine.</summary>
public sealed class TreeTests : IAsyncDisposable
{
    private const string Provenance = "https://slsa.dev/provenance/v1";
    private readonly TestImage _image = new();

    public ValueTask DisposeAsync() => _image.DisposeAsync();

    [Fact]
    public async Task Everything_beside_an_image_is_shown_with_who_signed_it()
    {
        var signatures = _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));
        var attestations = _image.Tag(TestImage.TagOf(_image.Digest, "att"), TestImage.Manifest(_image.Blob("application/vnd.dsse.envelope.v1+json", Encoding.UTF8.GetBytes(_image.Envelope(Provenance).ToJsonString()))));
        var bundle = _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope("https://spdx.dev/Document")));
        var sbom = _image.Refer("application/spdx+json");

        var run = await TreeAsync("v1", "--key", _image.Key);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var text = run.Text;
        Assert.StartsWith($"{_image.Name}@{_image.Digest} {TestImage.ManifestType}\n  signature verified: simple signing, signed by {_image.Key} (ni:///", text, StringComparison.Ordinal);
        Assert.Contains($", in {_image.Name}@{signatures}\n", text, StringComparison.Ordinal);
        Assert.Contains($"\n  attestation verified: DSSE {Provenance}, signed by {_image.Key} (", text, StringComparison.Ordinal);
        Assert.Contains($", in {_image.Name}@{attestations}\n", text, StringComparison.Ordinal);
        Assert.Contains("\n  attestation verified: DSSE https://spdx.dev/Document, ", text, StringComparison.Ordinal);
        Assert.Contains($"\n  referrer {bundle} {TestImage.BundleType} (", text, StringComparison.Ordinal);
        Assert.Contains($"\n  referrer {sbom} application/spdx+json (", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_nothing_is_verified_and_types_are_claims()
    {
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));
        _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope(Provenance)));

        var run = await TreeAsync("v1");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("\n  signature not verified: simple signing, no given key made it; keyless certificates are not verified yet, in ", run.Text, StringComparison.Ordinal);
        Assert.Contains($"\n  attestation not verified: DSSE that claims to be {Provenance}, no given key made it; keyless certificates are not verified yet, in ", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(" verified: DSSE https", run.Text.Replace("not verified", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attestation_about_something_else_is_not_verified()
    {
        _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope(Provenance, TestImage.DigestOf([]))));

        Assert.Contains($"\n  attestation not verified: DSSE {Provenance}, signed by {_image.Key}, but it is about other things than {_image.Digest}", (await TreeAsync("v1", "--key", _image.Key)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Children_of_an_index_are_shown_with_their_platforms()
    {
        var arm = TestImage.Manifest(_image.Blob("application/vnd.oci.image.layer.v1.tar", "arm"u8.ToArray()));
        var child = _image.Child(arm, "linux/arm64");
        var digest = (string)child["digest"]!;
        var proof = _image.Child(TestImage.Manifest(_image.Blob("application/vnd.in-toto+json", "{}"u8.ToArray())), "unknown/unknown");
        proof["annotations"] = new JsonObject { ["vnd.docker.reference.type"] = "attestation-manifest" };
        _image.Tag("multi", TestImage.Index(child, proof));
        _image.Tag(TestImage.TagOf(digest, "sig"), TestImage.Manifest(_image.SimpleSigning(digest)));

        var run = await TreeAsync("multi", "--key", _image.Key);
        var json = JsonSerializer.Deserialize<JsonElement>((await TreeAsync("multi", "--key", _image.Key, "-o", "json")).Output);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"\n  {digest} linux/arm64\n    signature verified: ", run.Text, StringComparison.Ordinal);
        Assert.Contains($"\n  {(string)proof["digest"]!} attestation-manifest\n", run.Text, StringComparison.Ordinal);
        var first = json.GetProperty("children")[0];
        Assert.Equal((TestImage.IndexType, "linux/arm64", true), (json.GetProperty("type").GetString(), first.GetProperty("type").GetString(), first.GetProperty("signatures")[0].GetProperty("verified").GetBoolean()));
        Assert.Equal((0, 0, 0), (json.GetProperty("signatures").GetArrayLength(), json.GetProperty("attestations").GetArrayLength(), json.GetProperty("unknown").GetArrayLength()));
    }

    [Fact]
    public async Task Indexes_within_indexes_are_followed_to_a_depth_of_two()
    {
        var inner = TestImage.Index(_image.Child(TestImage.Manifest()));
        var deepest = TestImage.Index(_image.Child(inner));
        var deep = TestImage.Index(_image.Child(deepest));
        _image.Tag("deep", deep);
        _image.Tag("shallow", deepest);

        var run = await TreeAsync("deep");

        Assert.Equal((3, true), (run.ExitCode, run.Text.Contains("unknown: what the index lists is not followed: it lies deeper than 2 indexes", StringComparison.Ordinal)));
        Assert.Equal(0, (await TreeAsync("shallow")).ExitCode);
    }

    [Fact]
    public async Task Images_that_are_looked_beside_are_bounded()
    {
        var child = _image.Child(TestImage.Manifest());
        _image.Tag("wide", TestImage.Index([.. Enumerable.Range(0, 60).Select(_ => child.DeepClone().AsObject())]));

        var run = await TreeAsync("wide");

        Assert.Equal((3, true), (run.ExitCode, run.Text.Contains("unknown: more than 50 images: 11 children are not shown", StringComparison.Ordinal)));
    }

    [Theory, Trait("attack", "83")]
    [InlineData("sig", "signatures: SERVER_ERROR")]
    [InlineData("att", "attestations: SERVER_ERROR")]
    [InlineData("referrers/", "referrers: SERVER_ERROR")]
    [InlineData("manifests/sha256:", "SERVER_ERROR")]
    public async Task What_fails_is_unknown_and_never_none(string where, string message)
    {
        _image.Instead = path => path.Contains(where, StringComparison.Ordinal) ? HostileAnswer.Of(500) : null;

        var run = await TreeAsync("v1");

        Assert.True(run.ExitCode == 3, run.Text + run.Error);
        Assert.Contains($"  unknown: {message}: ", run.Text, StringComparison.Ordinal);
    }

    [Theory, Trait("attack", "83")]
    [InlineData("signature", "signatures: there are more, or larger ones, than are read")]
    [InlineData("attestations", "attestations: there are more than are read")]
    [InlineData("attestation of sha512", "attestations: there are more than are read")]
    [InlineData("child of sha512", "the index lists more than is read, or by other digests than sha256")]
    [InlineData("referrers", "there are 1 more referrers than are shown")]
    public async Task More_than_is_read_is_unknown(string what, string message)
    {
        var layer = _image.Blob("application/vnd.dsse.envelope.v1+json", Encoding.UTF8.GetBytes(_image.Envelope(Provenance).ToJsonString()));
        var other = layer.DeepClone().AsObject();
        other["digest"] = $"sha512:{new string('a', 128)}";
        var large = _image.SimpleSigning();
        large["size"] = Core.Limits.PayloadBytes + 1;
        _ = what switch
        {
            "signature" => _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(large)),
            "attestations" => _image.Tag(TestImage.TagOf(_image.Digest, "att"), TestImage.Manifest([.. Enumerable.Range(0, 101).Select(_ => layer.DeepClone().AsObject())])),
            "attestation of sha512" => _image.Tag(TestImage.TagOf(_image.Digest, "att"), TestImage.Manifest(layer, other)),
            "child of sha512" => _image.Tag("v1", TestImage.Index(other)),
            _ => string.Concat(Enumerable.Range(0, Core.Limits.Referrers + 1).Select(_ => _image.Refer("application/x"))),
        };

        var run = await TreeAsync("v1");

        Assert.True(run.ExitCode == 3, run.Text + run.Error);
        Assert.Contains($"  unknown: {message}\n", run.Text, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "83")]
    public async Task Registry_that_fails_is_no_answer()
    {
        _image.Instead = path => path == "manifests/v1" ? HostileAnswer.Of(500) : null;

        var run = await TreeAsync("v1");

        Assert.Equal((3, "", true), (run.ExitCode, run.Text, run.Error.StartsWith("policyctl: SERVER_ERROR: ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Tag_that_is_not_there_is_said()
    {
        var run = await TreeAsync("v2");

        Assert.Equal((1, "", $"policyctl: `{_image.Name}` has no tag `v2`\n"), (run.ExitCode, run.Text, run.Error));
    }

    [Fact]
    public async Task Hostile_text_is_escaped()
    {
        _image.Refer("application/x\u001b[2J\u202e\r\n  signature verified: ", _image.Bundle(_image.Envelope("https://evil.example/\u001b]0;x")));
        var child = _image.Child(TestImage.Manifest(), "linux/arm64");
        child["platform"]!["architecture"] = "a\u001b[1A\nsignature verified";
        _image.Tag("evil", TestImage.Index(child));

        foreach (var arguments in new[] { ["v1"], ["v1", "-o", "json"], ["evil"], new[] { "evil", "-o", "json" } })
        {
            var run = await TreeAsync(arguments[0], arguments[1..]);

            Assert.Equal(0, run.ExitCode);
            Assert.DoesNotContain('\u001b', run.Text);
            Assert.DoesNotContain('\u202e', run.Text);
            Assert.DoesNotContain(run.Text.Split('\n'), line => line.TrimStart().StartsWith("signature verified", StringComparison.Ordinal));
        }
    }

    private Task<Run> TreeAsync(string tag, params string[] more) => Policyctl.RunHereAsync(["tree", $"{_image.Name}:{tag}", "--insecure", .. more]);
}
