using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Kubernetes.Connections;
using PolicyService.Tests.OpenId;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>Which certificates open the webhooks (RFC 5280, section 6), by the adapter's own clock.</summary>
public sealed class CallerCertificateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(Now);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;
    private readonly string _file = Path.GetTempFileName();

    public CallerCertificateTests()
    {
        _root = Authority("CN=root", _key).CreateSelfSigned(Now.AddDays(-10), Now.AddDays(10));
        File.WriteAllText(_file, _root.ExportCertificatePem());
    }

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
        File.Delete(_file);
    }

    [Fact]
    public void Clock_of_the_adapter_says_when_it_counts()
    {
        using var shown = Issue("CN=kube-apiserver");

        Assert.Null(ProblemOf(shown));
        _time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));
        Assert.Contains("not valid now", ProblemOf(shown), StringComparison.Ordinal);
        Assert.Contains("shows no client certificate", ProblemOf(null), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CN=kube-apiserver", "", true)]
    [InlineData("CN=other", "kube-apiserver", true)]
    [InlineData("CN=other", "other", false)]
    [InlineData("CN=Kube-apiserver", "", false)]
    [InlineData("O=kube-apiserver", "", false)]
    // Which of two values in one part is the name nobody can say.
    [InlineData("CN=kube-apiserver+OU=x", "", false)]
    public void Name_is_the_common_name_or_an_alternative_one(string subject, string dns, bool isNamed)
    {
        using var shown = Issue(subject, dns: dns);

        Assert.Equal(isNamed ? null : "the client certificate names somebody else than the callers of these webhooks", ProblemOf(shown));
    }

    [Theory]
    [InlineData("", true, true)]
    [InlineData(CertificateText.ForClients, true, true)]
    [InlineData(CertificateText.ForServers, true, false)]
    [InlineData("", false, false)]
    public void Authorities_between_are_sent_along_and_must_be_for_clients_too(string purpose, bool isSent, bool isTrusted)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Authority("CN=between", key);
        if (purpose.Length > 0)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], true));
        }

        using var between = request.Create(_root.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), Now.AddDays(-5), Now.AddDays(5), [2]);
        using var shown = Issue("CN=kube-apiserver", between, key);

        Assert.Equal(isTrusted, ProblemOf(shown, isSent ? [between] : []) is null);
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request;
    }

    private X509Certificate2 Issue(string subject, X509Certificate2? above = null, ECDsa? key = null, string dns = "")
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, own, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(CertificateText.ForClients)], false));
        if (dns.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(dns);
            request.CertificateExtensions.Add(names.Build());
        }

        return request.Create((above ?? _root).SubjectName, X509SignatureGenerator.CreateForECDsa(key ?? _key), Now.AddDays(-1), Now.AddDays(1), [3]);
    }

    private string? ProblemOf(X509Certificate2? shown, X509Certificate2Collection? between = null) => new ClientCertificates(
        new AdapterSettings { Service = new Uri("http://127.0.0.1:1"), Cluster = "dc1.edge", ClientCa = _file, ClientNames = ["kube-apiserver"] },
        _time,
        NullLogger<ClientCertificates>.Instance).ProblemOf(shown, between ?? []);
}
