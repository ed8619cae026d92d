using System.Security.Cryptography.X509Certificates;
using k8s.Models;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>certificates.sh: at no step of a rotation does anybody meet a certificate whose authority it does not know yet.</summary>
public sealed class CertificatesTests : IDisposable
{
    private readonly Folder _copy = new();

    [Fact]
    public async Task Rotation_overlaps()
    {
        Overlay.Copy(_copy);
        var (before, first) = await After("create");
        var (rotated, both) = await After("rotate");
        var (renewed, still) = await After("renew");
        var (_, last) = await After("finish");

        Assert.Equal((1, 2, 2, 1), (first.Count, both.Count, still.Count, last.Count));
        Assert.Equal(before, rotated);
        Assert.NotEqual(before, renewed);
        Assert.Contains(first[0], both);
        Assert.Equal(both, still);
        Assert.DoesNotContain(first[0], last);
        Assert.Contains(last[0], both);
    }

    [Fact]
    public async Task Authority_goes_only_once_nothing_needs_it()
    {
        Overlay.Copy(_copy);
        await After("create");
        await Refused("create", "there is an authority");
        await Refused("finish", "no rotation is under way");
        await After("rotate");
        await Refused("rotate", "a rotation is under way");
        await Refused("finish", "is of the old authority");
        await After("renew");
        await After("finish");
    }

    [Theory]
    [InlineData("service.crt", "1.3.6.1.5.5.7.3.1")]
    [InlineData("adapter.crt", "1.3.6.1.5.5.7.3.1")]
    [InlineData("adapter-client.crt", "1.3.6.1.5.5.7.3.2")]
    public async Task Certificates_are_for_one_purpose(string file, string purpose)
    {
        Overlay.Copy(_copy);
        await After("create");
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Overlay.Certificates(_copy, "on-prem"), file));

        Assert.Equal([purpose], certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<System.Security.Cryptography.Oid>().Select(usage => usage.Value!));
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal(90, (certificate.NotAfter - certificate.NotBefore).TotalDays, 0.01);
        Assert.DoesNotContain("-rw-r", await Overlay.Run("ls", "-l", Overlay.Certificates(_copy, "on-prem")), StringComparison.Ordinal);
    }

    public void Dispose() => _copy.Dispose();

    /// <summary>What the adapter serves, and which authorities the webhooks believe, after a step; all of it verifies.</summary>
    private async Task<(string Served, List<string> Authorities)> After(string verb)
    {
        var directory = Overlay.Certificates(_copy, "on-prem");
        await Overlay.Run("bash", Path.Combine(_copy.Path, "certificates.sh"), verb, directory);
        var objects = Overlay.Parse(await Overlay.Run([.. Overlay.Kustomize, Path.Combine(_copy.Path, "overlays", "on-prem")]));
        var bundle = new X509Certificate2Collection();
        bundle.ImportFromPem(System.Text.Encoding.UTF8.GetString(objects.All<V1ValidatingWebhookConfiguration>().Single().Webhooks[0].ClientConfig.CaBundle));
        foreach (var (secret, file) in new[] { ("policyservice-tls", "tls.crt"), ("policyservice-adapter-tls", "tls.crt"), ("policyservice-adapter-client", "tls.crt") })
        {
            using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
            chain.ChainPolicy.CustomTrustStore.AddRange(bundle);
            using var certificate = X509Certificate2.CreateFromPem(System.Text.Encoding.UTF8.GetString(objects.One<V1Secret>(secret).Data[file]));
            Assert.True(chain.Build(certificate), $"{verb}: {secret}");
        }

        Assert.Equal(objects.One<V1Secret>("policyservice-clients").Data["ca.crt"], objects.All<V1ValidatingWebhookConfiguration>().Single().Webhooks[0].ClientConfig.CaBundle);
        return (await File.ReadAllTextAsync(Path.Combine(directory, "adapter.crt"), TestContext.Current.CancellationToken), [.. bundle.Select(authority => authority.Thumbprint)]);
    }

    private async Task Refused(string verb, string because)
    {
        var run = await Policyctl.RunAsync(Overlay.StartInfo("bash", Path.Combine(_copy.Path, "certificates.sh"), verb, Overlay.Certificates(_copy, "on-prem")));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(because, run.Error, StringComparison.Ordinal);
    }
}
