using System.Security.Cryptography;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>A private key given where a path or an image belongs. It is neither repeated nor sent anywhere.</summary>
public sealed class SecretArgumentTests
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static TheoryData<string> Places => new()
    {
        "payload KEY",
        "evaluate KEY --cluster a.b --policies .",
        "evaluate KEY --cluster a.b --policies . -o json",
        "evaluate x --cluster KEY --policies .",
        "evaluate x --cluster a.b --policies KEY",
        "evaluate x --cluster a.b --server KEY",
        "evaluate -f KEY --cluster a.b --policies .",
        "evaluate x --cluster a.b --policies . --at KEY",
        "verify attestation --image KEY --public-key k --algorithm ED25519 --payload p --signature s",
        "verify attestation --image x --public-key KEY --algorithm ED25519 --payload p --signature s",
        "verify attestation --image IMAGE --public-key KEY --algorithm ED25519 --payload p --signature s",
        "verify attestation --image IMAGE --public-key k --algorithm KEY --payload p --signature s",
        "policy lint KEY",
        "policy lint --format KEY",
        "attestor pin KEY --policies .",
        "completion KEY",
        "judge KEY",
        "KEY",
        "--KEY",
    };

    [Theory, MemberData(nameof(Places))]
    public async Task Private_key_is_refused_and_not_repeated(string arguments)
    {
        foreach (var key in new[] { Key.ExportPkcs8PrivateKeyPem(), Key.ExportECPrivateKeyPem(), Convert.ToBase64String(Key.ExportPkcs8PrivateKey()), Convert.ToBase64String(Key.ExportECPrivateKey()) })
        {
            await AssertRefused(key, [.. arguments.Split(' ').Select(word => word.Replace("KEY", key, StringComparison.Ordinal).Replace("IMAGE", Samples.Image, StringComparison.Ordinal))]);
        }
    }

    /// <summary>As a shell gives <c>$(cat key.pem)</c> without quotes: every line is an argument.</summary>
    [Fact]
    public async Task Private_key_in_many_arguments_is_refused_too()
    {
        var pem = Key.ExportPkcs8PrivateKeyPem();

        await AssertRefused(pem, ["evaluate", .. pem.Split([' ', '\n']), "--cluster", "a.b", "--policies", "."]);
        await AssertRefused(pem, ["evaluate", .. pem.Split('\n')[1..^1], "--cluster", "a.b", "--policies", "."]);
    }

    [Fact]
    public async Task Private_key_in_a_file_is_not_repeated()
    {
        using var folder = new Folder();
        folder.Write("p/policy.yaml", Folder.RequireByNamespace);
        var body = Convert.ToBase64String(Key.ExportPkcs8PrivateKey());
        var manifest = folder.Write("pod.yaml", $"{{kind: Pod, spec: {{containers: [{{image: \"{body}\"}}]}}}}");

        foreach (var format in new[] { "text", "json" })
        {
            var run = await Policyctl.RunHereAsync("evaluate", "-f", manifest, "--cluster", "a.b", "--policies", folder["p"], "-o", format);

            Assert.Equal(2, run.ExitCode);
            AssertHidden(body, run);
        }

        AssertHidden(body, await Policyctl.RunHereAsync("evaluate", "-f", folder.Write("k.yaml", body), "--cluster", "a.b", "--policies", folder["p"]));
    }

    [Fact]
    public void Whatever_is_said_has_no_private_key()
    {
        var pem = Key.ExportPkcs8PrivateKeyPem();
        using var error = new StringWriter();

        new Terminal(Stream.Null, Stream.Null, TextWriter.Null, error, IsPiped: true).Say($"there is no file `{pem}`: mend the path");

        Assert.Equal($"policyctl: there is no file `(a private key, {pem.Length} characters)`: mend the path{Environment.NewLine}", error.ToString());
        Assert.Equal([$"x (a private key, {pem.Length} characters) y", "z"], Printable.Lines($"x {pem} y\nz"));
    }

    private static async Task AssertRefused(string key, string[] arguments)
    {
        var run = await Policyctl.RunHereAsync(arguments);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.StartsWith("policyctl: the arguments hold a private key (", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        AssertHidden(key, run);
    }

    private static void AssertHidden(string key, Run run)
    {
        foreach (var line in key.Split('\n').Where(line => !line.StartsWith('-')))
        {
            for (var at = 0; at + 16 <= line.Length; at += 8)
            {
                Assert.DoesNotContain(line.Substring(at, 16), run.Text + run.Error, StringComparison.Ordinal);
            }
        }
    }
}
