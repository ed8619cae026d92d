using System.Net;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Server.Tests;
using PolicyService.Tests.OpenId;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>Who may call the adapter, how it shows itself, and what becomes of new files.</summary>
public sealed class ConnectionTests : IDisposable
{
    private readonly TestAuthority _own = new("own");
    private readonly TestAuthority _callers = new("callers");
    private readonly TestAuthority _others = new("others");

    /// <summary>A certificate that does not open the webhooks.</summary>
    public static TheoryData<string> Unfit => ["none", "other authority", "for servers", "no purpose", "expired", "not yet", "other name"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _own.Dispose();
        _callers.Dispose();
        _others.Dispose();
    }

    [Theory, MemberData(nameof(Unfit)), Trait("attack", "33")]
    public async Task Webhooks_need_the_api_servers_certificate_and_health_does_not(string how)
    {
        await using var adapter = await StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        using var shown = how switch
        {
            "none" => null,
            "other authority" => _others.Issue(new CertificateText { Subject = "CN=kube-apiserver" }),
            "for servers" => _callers.Issue(new CertificateText { Subject = "CN=kube-apiserver", Purposes = [CertificateText.ForServers] }),
            "no purpose" => _callers.Issue(new CertificateText { Subject = "CN=kube-apiserver", Purposes = [] }),
            "expired" => _callers.Issue(new CertificateText { Subject = "CN=kube-apiserver", From = now.AddDays(-2), Until = now.AddHours(-1) }),
            "not yet" => _callers.Issue(new CertificateText { Subject = "CN=kube-apiserver", From = now.AddHours(1), Until = now.AddDays(1) }),
            _ => _callers.Issue(new CertificateText { Subject = "CN=kube-apiserver-2", Uris = ["spiffe://x/kube-apiserver"] }),
        };
        using var caller = adapter.NewCaller(_own, shown);

        foreach (var path in new[] { "/validate", "/validate/fail-open", "/imagereview", "/mutate", "/Validate", "/" })
        {
            using var refused = await caller.PostAsync(path, new StringContent("{}"), Cancellation);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        await Eventually.Holds("it is ready", async () =>
        {
            using var ready = await caller.GetAsync("/healthz/ready", Cancellation);
            Assert.NotEqual(HttpStatusCode.Forbidden, ready.StatusCode);
            return ready.StatusCode is HttpStatusCode.OK;
        });
        foreach (var path in new[] { "/healthz/live", "/metrics" })
        {
            using var open = await caller.GetAsync(path, Cancellation);
            Assert.Equal(HttpStatusCode.OK, open.StatusCode);
        }
    }

    [Theory]
    [InlineData("CN=kube-apiserver", "")]
    [InlineData("CN=other", "spiffe://cluster.local/kube-apiserver")]
    public async Task Certificate_with_one_of_the_names_opens_them(string subject, string uri)
    {
        await using var adapter = await StartAsync();
        using var shown = _callers.Issue(new CertificateText { Subject = subject, Uris = uri.Length > 0 ? [uri] : [] });
        using var caller = adapter.NewCaller(_own, shown);

        Assert.NotEqual(HttpStatusCode.Forbidden, await StatusAsync(caller));
    }

    [Fact]
    public async Task Authority_that_is_taken_away_counts_no_more_on_open_connections_too()
    {
        await using var adapter = await StartAsync();
        using var shown = _callers.Issue(new CertificateText { Subject = "CN=kube-apiserver" });
        using var caller = adapter.NewCaller(_own, shown);
        Assert.NotEqual(HttpStatusCode.Forbidden, await StatusAsync(caller));
        LinkedAdapter.Write(Path.Combine(adapter.Folder, "callers.pem"), "no certificate");
        await Eventually.Holds("it is told", () => adapter.Log.Lines.Any(line => line.Contains("cannot be used as they are", StringComparison.Ordinal)));
        Assert.NotEqual(HttpStatusCode.Forbidden, await StatusAsync(caller));

        LinkedAdapter.Write(Path.Combine(adapter.Folder, "callers.pem"), _others.Pem);

        await Eventually.Holds("it is refused", async () => await StatusAsync(caller) is HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task New_certificate_is_shown_within_a_second_and_a_broken_one_never()
    {
        await using var adapter = await StartAsync();
        Assert.Equal("CN=adapter", await SubjectAsync(adapter));
        LinkedAdapter.Write(Path.Combine(adapter.Folder, "tls.key"), "no key");
        await Eventually.Holds("the metric tells", async () => (await MetricsAsync(adapter)).Contains("policyservice_adapter_certificate_problem 1\n", StringComparison.Ordinal));
        Assert.Equal("CN=adapter", await SubjectAsync(adapter));

        LinkedAdapter.WriteTls(adapter.Folder, _own, "later");

        var elapsed = await Eventually.Holds("it is shown", async () => await SubjectAsync(adapter) == "CN=later");
        TestContext.Current.TestOutputHelper?.WriteLine($"new certificate after {elapsed.TotalMilliseconds:0} ms, promised 1 s");
        Assert.True(elapsed < TimeSpan.FromSeconds(5), $"{elapsed}");
        Assert.Contains("policyservice_adapter_certificate_problem 0", await MetricsAsync(adapter), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Both_versions_of_http_are_spoken()
    {
        await using var adapter = await StartAsync();
        foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using var caller = adapter.NewCaller(_own);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz/live") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await caller.SendAsync(request, Cancellation);
            Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("attack", "33")]
    public async Task Tls_before_1_2_is_refused(byte version)
    {
        await using var adapter = await StartAsync();
        using var connection = new System.Net.Sockets.TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, adapter.Url.Port, Cancellation);
        var stream = connection.GetStream();
        // The client of this machine would refuse it too: a hello by hand, for ECDHE-ECDSA with AES in CBC over P-256 (RFC 4346, section 7.4.1.2; RFC 8422).
        byte[] extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
        byte[] hello = [3, version, .. new byte[32], 0, 0, 4, 0xC0, 0x09, 0xC0, 0x0A, 1, 0, 0, (byte)extensions.Length, .. extensions];
        byte[] record = [22, 3, 1, 0, (byte)(hello.Length + 4), 1, 0, 0, (byte)hello.Length, .. hello];
        await stream.WriteAsync(record, Cancellation);

        var answer = new byte[7];
        await stream.ReadExactlyAsync(answer, Cancellation);

        // An alert, fatal: protocol_version.
        Assert.Equal((21, 2, 70), (answer[0], answer[5], answer[6]));
    }

    [Fact]
    public async Task Service_is_known_by_its_authority_and_new_files_count()
    {
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        var files = LinkedAdapter.WriteTls(Path.GetDirectoryName(documents.Path)!, _own);
        await using var server = await TestServer.StartAsync(
            documents, more: ["--Tls:Certificate", files.Certificate, "--Tls:Key", files.Key]);
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl, (settings, folder) =>
        {
            LinkedAdapter.Write(Path.Combine(folder, "service.pem"), _others.Pem);
            return settings with { ServiceFiles = new() { Ca = Path.Combine(folder, "service.pem") } };
        });
        var question = new AdmissionQuestion([Ask.Attested], "shop", "app", new AdmissionSubject("Pod", "web", "CREATE", "alice"));
        // A wrong set-up is no outage.
        Assert.Equal(Admission.Refused, (await adapter.DecideAsync(question with { FailMode = FailMode.Open, IsBreakGlass = true }, 3)).Admission);

        LinkedAdapter.Write(Path.Combine(adapter.Folder, "service.pem"), _own.Pem);

        await Eventually.Holds("it is trusted", async () => (await adapter.DecideAsync(question, 3)).Admission is Admission.Admitted);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient caller)
    {
        using var response = await caller.PostAsync("/validate", new StringContent("{}"), Cancellation);
        return response.StatusCode;
    }

    private async Task<string> SubjectAsync(LinkedAdapter adapter)
    {
        var subject = "";
        using var caller = adapter.NewCaller(_own, seen: certificate => subject = certificate.Subject);
        await caller.GetStringAsync("/healthz/live", Cancellation);
        return subject;
    }

    private async Task<string> MetricsAsync(LinkedAdapter adapter)
    {
        using var caller = adapter.NewCaller(_own);
        return await caller.GetStringAsync("/metrics", Cancellation);
    }

    private Task<LinkedAdapter> StartAsync() => LinkedAdapter.StartAsync("http://127.0.0.1:1", (settings, folder) =>
    {
        File.WriteAllText(Path.Combine(folder, "callers.pem"), _callers.Pem);
        return settings with
        {
            Tls = LinkedAdapter.WriteTls(folder, _own),
            ClientCa = Path.Combine(folder, "callers.pem"),
            ClientNames = ["kube-apiserver", "spiffe://cluster.local/kube-apiserver"],
        };
    });
}
