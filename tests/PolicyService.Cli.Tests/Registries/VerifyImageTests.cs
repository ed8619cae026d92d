using System.Text;
using System.Text.Json;
using PolicyService.Cli.Tests.Running;
using PolicyService.Tests;
using PolicyService.Tests.Registries;

namespace PolicyService.Cli.Tests.Registries;

/// <summary><c>policyctl verify image</c> against a registry on this machine.</summary>
public sealed class VerifyImageTests : IAsyncDisposable
{
    private readonly TestImage _image = new();

    private string Tagged => $"{_image.Name}:v1";

    private string Signatures => $"manifests/{TestImage.TagOf(_image.Digest, "sig")}";

    /// <summary>Why nobody knows, and what the registry does.</summary>
    public static TheoryData<string, string> Failing => new()
    {
        { "SERVER_ERROR", "500" },
        { "UNAUTHENTICATED", "401" },
        { "PERMISSION_DENIED", "403" },
        { "RATE_LIMITED", "429" },
        { "CONNECTION", "hangup" },
        { "TRUNCATED", "cut off" },
        { "MALFORMED", "no manifest" },
    };

    public static TheoryData<string, string> Unusable => new()
    {
        { "no tag", "NAME --key KEY" },
        { "bare digest", "DIGEST --key KEY" },
        { "no image", "NAME: --key KEY" },
        { "digest of another algorithm", $"NAME:v1@sha512:{new string('a', 128)} --key KEY" },
        { "a port that is none", "r.example:65536/x:v1 --key KEY" },
        { "no such key", "NAME:v1 --key missing.pub" },
        { "a key that is none", "NAME:v1 --key NOKEY" },
        { "an algorithm that is none", "NAME:v1 --key KEY --algorithm MD5" },
        { "an algorithm that does not fit", "NAME:v1 --key KEY --algorithm ED25519" },
        { "a private host that is none", "NAME:v1 --key KEY --private-host http://x" },
        { "no such docker config", "NAME:v1 --key KEY --docker-config missing.json" },
        { "no such authorities", "NAME:v1 --key KEY --ca missing.pem" },
    };

    public ValueTask DisposeAsync() => _image.DisposeAsync();

    [Fact]
    public async Task Signed_tag_is_verified_and_says_by_whom()
    {
        var manifest = _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));

        var run = await VerifyAsync(Tagged, _image.Key);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var lines = run.Text.Split('\n');
        Assert.Equal($"{_image.Name}@{_image.Digest}", lines[0]);
        Assert.StartsWith($"  signature verified: simple signing, signed by {_image.Key} (ni:///sha-256;", lines[1], StringComparison.Ordinal);
        Assert.EndsWith($", in {_image.Name}@{manifest}", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Digest_is_taken_as_it_is()
    {
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));

        Assert.Equal(0, (await VerifyAsync($"{_image.Name}@{_image.Digest}", _image.Key)).ExitCode);
        Assert.DoesNotContain(_image.Registry.Calls, call => call.Path.EndsWith("/v1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bundle_of_cosign_3_is_verified()
    {
        _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope(TestImage.CosignPredicate)));

        var run = await VerifyAsync(Tagged, _image.Key);

        Assert.Equal((0, true), (run.ExitCode, run.Text.Contains($"  signature verified: DSSE {TestImage.CosignPredicate}, signed by {_image.Key} (", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task One_of_several_keys_is_enough()
    {
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));

        Assert.Equal(0, (await VerifyAsync(Tagged, _image.OtherKey, "--key", _image.Key)).ExitCode);
    }

    [Fact]
    public async Task Json_is_for_programs()
    {
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning(), _image.SimpleSigning(TestImage.DigestOf([]))));

        var run = await VerifyAsync(Tagged, _image.Key, "-o", "json");

        var answer = JsonSerializer.Deserialize<JsonElement>(run.Output);
        Assert.Equal((0, true, $"{_image.Name}@{_image.Digest}"), (run.ExitCode, answer.GetProperty("verified").GetBoolean(), answer.GetProperty("image").GetString()));
        var entries = answer.GetProperty("signatures").EnumerateArray().OrderBy(entry => entry.GetProperty("verified").GetBoolean()).ToArray();
        Assert.Equal([false, true], entries.Select(entry => entry.GetProperty("verified").GetBoolean()));
        Assert.Equal($"what was signed is about {TestImage.DigestOf([])}", entries[0].GetProperty("problem").GetString());
        Assert.Equal(("SIMPLE_SIGNING", _image.Key), (entries[1].GetProperty("format").GetString(), entries[1].GetProperty("key").GetString()));
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("another key")]
    [InlineData("another digest")]
    [InlineData("another type")]
    [InlineData("another predicate")]
    [InlineData("several subjects")]
    [InlineData("statement about another digest")]
    public async Task Image_that_no_key_signed_is_refused(string what)
    {
        _ = what switch
        {
            "another key" => _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning())),
            "another digest" => _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning(TestImage.DigestOf([])))),
            "another type" => _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning(type: "Google cloud binauthz container signature"))),
            "another predicate" => _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope("https://slsa.dev/provenance/v1"))),
            "several subjects" => _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope(TestImage.CosignPredicate, _image.Digest, TestImage.DigestOf([])))),
            "statement about another digest" => _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope(TestImage.CosignPredicate, TestImage.DigestOf([])))),
            _ => "",
        };

        var run = await VerifyAsync(Tagged, what == "another key" ? _image.OtherKey : _image.Key);

        Assert.Equal((1, $"policyctl: refused: no given key signed {_image.Digest}\n"), (run.ExitCode, run.Error));
    }

    [Theory]
    [InlineData("no such tag", "MANIFEST_UNKNOWN")]
    [InlineData("no such repository", "NAME_UNKNOWN")]
    public async Task Image_that_is_not_there_is_refused(string name, string code)
    {
        _image.Instead = _ => HostileAnswer.Error(404, code);

        var run = await VerifyAsync(Tagged, _image.Key);

        Assert.True(run.ExitCode == 1, name);
        Assert.StartsWith("policyctl: refused: ", run.Error, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Failing)), Trait("attack", "83")]
    public async Task Registry_that_fails_is_no_answer(string failure, string fault)
    {
        foreach (var where in new[] { "manifests/v1", Signatures })
        {
            _image.Instead = path => path == where ? Answer(fault) : null;

            var run = await VerifyAsync(Tagged, _image.Key);

            Assert.True(run.ExitCode == 3, $"{where}: {run.ExitCode} {run.Error}");
            Assert.Contains($"{failure}: ", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Good_signature_counts_though_not_all_could_be_read()
    {
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));
        _image.Instead = path => path.StartsWith("referrers/", StringComparison.Ordinal) ? HostileAnswer.Of(500) : null;

        var run = await VerifyAsync(Tagged, _image.Key);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("not all signatures could be read: SERVER_ERROR: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 3)]
    public async Task More_than_is_read_is_no_refusal(bool isSigned, int exitCode)
    {
        var large = _image.SimpleSigning();
        large["size"] = Core.Limits.PayloadBytes + 1;
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), isSigned ? TestImage.Manifest(_image.SimpleSigning(), large) : TestImage.Manifest(large));

        var run = await VerifyAsync(Tagged, _image.Key);

        Assert.Equal((exitCode, "policyctl: there are more signatures, or larger ones, than are read: what they say is unknown\n"), (run.ExitCode, run.Error));
    }

    [Theory, MemberData(nameof(Unusable))]
    public async Task Unusable_input_asks_nobody(string name, string arguments)
    {
        var filled = arguments.Replace("NOKEY", _image.Folder("none.pub", "no key"), StringComparison.Ordinal).Replace("NAME", _image.Name, StringComparison.Ordinal)
            .Replace("DIGEST", _image.Digest, StringComparison.Ordinal).Replace("KEY", _image.Key, StringComparison.Ordinal);

        var run = await Policyctl.RunHereAsync(["verify", "image", "--insecure", .. filled.Split(' ')]);

        Assert.True((run.ExitCode, run.Text) == (2, ""), $"{name}: {run.ExitCode} {run.Error}");
        Assert.Empty(_image.Registry.Calls);
    }

    [Fact]
    public async Task Hostile_text_is_escaped()
    {
        _image.Refer(TestImage.BundleType, _image.Bundle(_image.Envelope("https://evil.example/\u001b[2J\u202e\r\n  signature verified: ")));

        foreach (var form in new[] { "text", "json" })
        {
            var run = await VerifyAsync(Tagged, _image.Key, "-o", form);

            Assert.Equal(1, run.ExitCode);
            Assert.DoesNotContain('\u001b', run.Text);
            Assert.DoesNotContain('\u202e', run.Text);
            Assert.DoesNotContain("\n  signature verified", run.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Credentials_of_the_docker_config_are_sent_and_never_told()
    {
        var secret = Canary.For("verify-image");
        var config = _image.Folder("config.secret", $$$$"""{"auths": {"{{{{_image.Registry.Host}}}}": {"username": "me", "password": "{{{{secret}}}}"}}}""");
        _image.Tag(TestImage.TagOf(_image.Digest, "sig"), TestImage.Manifest(_image.SimpleSigning()));
        var basic = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"me:{secret}"))}";
        var serve = _image.Registry.Answer;
        _image.Registry.Answer = call => call.Authorization == basic ? serve(call) : HostileAnswer.Challenge("Basic realm=\"test\"");

        var run = await VerifyAsync(Tagged, _image.Key, "--docker-config", config);
        var refused = await VerifyAsync(Tagged, _image.Key, "--docker-config", _image.Folder("other.secret", $$$$"""{"auths": {"{{{{_image.Registry.Host}}}}": {"username": "me", "password": "{{{{secret}}}}-old"}}}"""));

        Assert.Equal((0, 3), (run.ExitCode, refused.ExitCode));
        Canary.AssertAbsent("its output", run.Text + run.Error + refused.Text + refused.Error);
    }

    private static HostileAnswer Answer(string fault) => fault switch
    {
        "401" => HostileAnswer.Challenge("Basic realm=\"x\""),
        "403" => HostileAnswer.Error(403, "DENIED"),
        "429" => HostileAnswer.Of(429, "", "retry-after: 60"),
        "hangup" => HostileAnswer.Of(HostileBody.Hangup),
        "cut off" => HostileAnswer.Of(HostileBody.Truncated, "{\"schemaVersion\": 2}"),
        "no manifest" => HostileAnswer.Of(200, "{}"),
        _ => HostileAnswer.Of(500),
    };

    private Task<Run> VerifyAsync(string image, string key, params string[] more) => Policyctl.RunHereAsync(["verify", "image", image, "--insecure", "--key", key, .. more]);
}
