using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using PolicyService.Cli.Tests.Running;
using PolicyService.Tests.Kms;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>Application Default Credentials over TLS, with a service account whose token server is on this machine.</summary>
public sealed class KmsCredentialsTests : IDisposable
{
    private const string Resource = "projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    private const string Id = $"//cloudkms.googleapis.com/v1/{Resource}";
    private const string Secret = "cHJpdmF0ZSBrZXkgbm9ib2R5IG1heSByZWFk";

    private readonly Folder _folder = new();
    private readonly X509Certificate2 _certificate = Certificate();

    public KmsCredentialsTests() => _folder.Write(
        "documents/attestors/build.yaml",
        $"name: projects/acme/attestors/build\nuserOwnedGrafeasNote: {{noteReference: projects/acme/notes/build, publicKeys: [{{id: {Id}}}]}}\n");

    public void Dispose()
    {
        _folder.Dispose();
        _certificate.Dispose();
    }

    [Fact]
    public async Task Token_of_the_service_account_goes_to_the_key_service_and_nowhere_else()
    {
        await using var tokens = new KmsStandIn();
        await using var kms = new KmsStandIn(_certificate);
        kms.Add(Resource);
        using var account = RSA.Create(2048);
        var credentials = _folder.Write("account.json", JsonSerializer.Serialize(new
        {
            type = "service_account",
            project_id = "acme",
            private_key_id = "1",
            private_key = account.ExportPkcs8PrivateKeyPem(),
            client_email = "policyservice@acme.iam.gserviceaccount.com",
            client_id = "1",
            token_uri = $"{tokens.Url}/token",
        }));

        var run = await Pin(kms.Url, credentials);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("/token", Assert.Single(tokens.Calls).Path);
        Assert.Equal($"Bearer {KmsStandIn.Token}", Assert.Single(kms.Calls).Headers["authorization"]);
        Assert.DoesNotContain(KmsStandIn.Token, run.Text + run.Error, StringComparison.Ordinal);
    }

    public static TheoryData<string, string?> NoCredentials => new()
    {
        { "no file", null },
        { "no JSON", Secret },
        { "JSON of something else", $"{{\"private_key\": \"{Secret}\"}}" },
        { "a private key that is none", $"{{\"type\": \"service_account\", \"client_email\": \"a@b\", \"private_key\": \"{Secret}\"}}" },
    };

    [Theory, MemberData(nameof(NoCredentials))]
    public async Task Credentials_that_are_not_usable_are_said_without_being_quoted(string name, string? content)
    {
        await using var kms = new KmsStandIn(_certificate);
        var credentials = content is null ? _folder["nowhere.json"] : _folder.Write("account.json", content);

        var run = await Pin(kms.Url, credentials);

        Assert.True(run.ExitCode == 3, $"{name}: {run.Error}");
        Assert.Contains("KMS:NO_CREDENTIALS", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, run.Text + run.Error, StringComparison.Ordinal);
        Assert.Empty(kms.Calls);
    }

    private Task<Run> Pin(string url, string credentials) => Policyctl.RunAsync(
        ["attestor", "pin", Id, "--policies", _folder["documents"], "--kms-endpoint", url],
        new Dictionary<string, string>
        {
            ["GOOGLE_APPLICATION_CREDENTIALS"] = credentials,
            ["SSL_CERT_FILE"] = _folder.Write("trusted.pem", _certificate.ExportCertificatePem()),
        });

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
