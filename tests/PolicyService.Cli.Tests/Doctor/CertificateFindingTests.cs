using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using k8s.Models;

namespace PolicyService.Cli.Tests.Doctor;

/// <summary>Certificates that end, that nobody vouches for, or that name somebody else.</summary>
public sealed class CertificateFindingTests
{
    private const string Name = "policyservice-adapter.policyservice-system.svc";

    [Theory]
    [InlineData(40, 400, null)]
    [InlineData(20, 400, "WARNING EXPIRES")]
    [InlineData(3, 400, "ERROR EXPIRES")]
    [InlineData(-1, 400, "ERROR EXPIRED")]
    [InlineData(400, 20, "WARNING EXPIRES")]
    [InlineData(400, 3, "ERROR EXPIRES")]
    [InlineData(400, -1, "ERROR EXPIRED")]
    public async Task End_of_a_certificate_is_told_in_time(int served, int authority, string? expected)
    {
        await using var server = await Patient.HealthyAsync();
        using var root = Authority(authority);
        using var leaf = Issue(root, Name, served);
        server.Serve(leaf, root);

        var (_, findings) = await server.ExamineAsync();

        Assert.Equal(expected is null ? [] : [expected], findings.Where(finding => finding.Code.StartsWith("EXPIRE", StringComparison.Ordinal)).Select(finding => $"{finding.Severity} {finding.Code}").Distinct());
    }

    [Fact]
    public async Task Old_authority_of_a_rotation_may_end()
    {
        await using var server = await Patient.HealthyAsync();
        using var old = Authority(3);
        using var root = Authority(400);
        using var leaf = Issue(root, Name, 90);
        server.Serve(leaf, old, root);

        var (run, findings) = await server.ExamineAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(("NOTE", "EXPIRES"), findings.Select(finding => (finding.Severity, finding.Code)));
    }

    [Fact]
    public async Task Authority_that_does_not_vouch_and_a_name_that_is_not_the_services_are_errors()
    {
        await using var server = await Patient.HealthyAsync();
        using var root = Authority(400);
        using var stranger = Authority(400);
        using var leaf = Issue(stranger, "policyservice-adapter.elsewhere.svc", 90);
        server.Serve(leaf, root);

        var (_, findings) = await server.ExamineAsync();

        Assert.Superset(new HashSet<string>(["ERROR CA_BUNDLE", "ERROR CERTIFICATE_NAME"]), findings.Select(finding => $"{finding.Severity} {finding.Code}").ToHashSet());
    }

    [Fact]
    public async Task Secret_that_may_not_be_read_is_said()
    {
        await using var server = await Patient.HealthyAsync();
        server.Refusals["/api/v1/namespaces/policyservice-system/secrets/policyservice-adapter-tls"] = 403;

        var (run, findings) = await server.ExamineAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(("NOTE", "CERTIFICATE_UNSEEN"), findings.Select(finding => (finding.Severity, finding.Code)));
    }

    [Fact]
    public async Task What_a_pod_shows_counts_before_what_the_secret_says()
    {
        await using var server = await Patient.HealthyAsync();
        using var stranger = Authority(400);
        using var leaf = Issue(stranger, Name, 90);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var shown = ShowAsync(listener, leaf);
        server.Objects.Add(new V1EndpointSlice
        {
            ApiVersion = "discovery.k8s.io/v1",
            Kind = "EndpointSlice",
            Metadata = new V1ObjectMeta { Name = "policyservice-adapter-x", NamespaceProperty = "policyservice-system" },
            AddressType = "IPv4",
            Endpoints = [new V1Endpoint { Addresses = ["127.0.0.1"], Conditions = new V1EndpointConditions { Ready = true } }],
            Ports = [new Discoveryv1EndpointPort { Port = port }],
        });

        var (_, findings) = await server.ExamineAsync();

        await shown;
        var finding = Assert.Single(findings, finding => finding is { Code: "CA_BUNDLE" } && finding.Where.Contains("closed", StringComparison.Ordinal));
        Assert.Contains($"shown by 127.0.0.1:{port}", finding.What, StringComparison.Ordinal);
    }

    private static async Task ShowAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var tls = new SslStream(client.GetStream());
        using var usable = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        await tls.AuthenticateAsServerAsync(usable);
    }

    private static X509Certificate2 Authority(int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=authority {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(Now.AddDays(-2000), Now.AddDays(days));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string name, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var signer = authority.GetECDsaPrivateKey()!;
        using var issued = request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), Now.AddDays(-1000), Now.AddDays(days), RandomNumberGenerator.GetBytes(12));
        return issued.CopyWithPrivateKey(key);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();
}
