using System.Net;
using System.Net.Sockets;

namespace PolicyService.Server.Tests.Process;

public sealed class StartTests : IDisposable
{
    private readonly DocumentsFolder _documents = DocumentsFolder.Fixed("ALWAYS_DENY");

    public static TheoryData<string, string[], string> Refused => new()
    {
        { "no directory", [], "--Policies:Directory" },
        { "an empty directory", ["--Policies:Directory", ""], "--Policies:Directory" },
        { "a directory that is not there", ["--Policies:Directory", "/nowhere/at/all"], "`/nowhere/at/all` does not exist" },
        { "an unknown flag", ["--Policies:Directory", "{docs}", "--Audit:Durble", "true"], "--Audit:Durble" },
        { "an unknown flag with =", ["--Policies:Directory", "{docs}", "--Audit:Durble=true"], "--Audit:Durble" },
        { "one hyphen", ["--Policies:Directory", "{docs}", "-Audit:Durable", "true"], "-Audit:Durable" },
        { "a slash", ["--Policies:Directory", "{docs}", "/Audit:Durable", "true"], "/Audit:Durable" },
        { "no hyphen", ["--Policies:Directory", "{docs}", "Audit:Durable=true"], "Audit:Durable" },
        { "a word too many", ["--Policies:Directory", "{docs}", "serve"], "`serve`" },
        { "a flag without its value", ["--Policies:Directory", "{docs}", "--Audit:Durable"], "--Audit:Durable has no value" },
        { "neither true nor false", ["--Policies:Directory", "{docs}", "--Audit:Durable", "yes"], "write true or false" },
        { "every address", ["--Policies:Directory", "{docs}", "--Urls:Grpc", "http://0.0.0.0:0"], "loopback" },
        { "every IPv6 address", ["--Policies:Directory", "{docs}", "--Urls:Http", "http://[::]:0"], "loopback" },
        { "every address, by a star", ["--Policies:Directory", "{docs}", "--Urls:Http", "http://*:0"], "--Urls:Http" },
        { "another machine's address", ["--Policies:Directory", "{docs}", "--Urls:Grpc", "http://192.0.2.1:0"], "loopback" },
        { "a name that may be anything", ["--Policies:Directory", "{docs}", "--Urls:Grpc", "http://localhost.evil.example:0"], "loopback" },
        { "https without a certificate", ["--Policies:Directory", "{docs}", "--Urls:Grpc", "https://127.0.0.1:0"], "set --Tls:Certificate and --Tls:Key" },
        { "http with a certificate", ["--Policies:Directory", "{docs}", "--Tls:Certificate", "{tls}.crt", "--Tls:Key", "{tls}.key", "--Urls:Grpc", "http://127.0.0.1:0"], "write https://" },
        { "every address with TLS alone", ["--Policies:Directory", "{docs}", "--Tls:Certificate", "{tls}.crt", "--Tls:Key", "{tls}.key", "--Urls:Grpc", "https://0.0.0.0:0"], "set --Auth:Jwt:Issuer or --Auth:ClientCa" },
        { "every address with authentication alone", ["--Policies:Directory", "{docs}", "--Auth:Jwt:Issuer", "https://i.example", "--Auth:Jwt:Audience", "p", "--Urls:Grpc", "http://0.0.0.0:0"], "without TLS only a loopback address" },
        { "a certificate without its key", ["--Policies:Directory", "{docs}", "--Tls:Certificate", "{tls}.crt"], "belong together" },
        { "a certificate that is not there", ["--Policies:Directory", "{docs}", "--Tls:Certificate", "/nowhere.crt", "--Tls:Key", "/nowhere.key"], "mend --Tls:Certificate" },
        { "client authorities without TLS", ["--Policies:Directory", "{docs}", "--Auth:ClientCa", "{tls}.crt"], "set --Tls:Certificate and --Tls:Key" },
        { "client authorities that are not there", ["--Policies:Directory", "{docs}", "--Tls:Certificate", "{tls}.crt", "--Tls:Key", "{tls}.key", "--Auth:ClientCa", "/nowhere.pem"], "mend --Auth:ClientCa" },
        { "client authorities that are none", ["--Policies:Directory", "{docs}", "--Tls:Certificate", "{tls}.crt", "--Tls:Key", "{tls}.key", "--Auth:ClientCa", "{tls}.crt"], "none of its certificates is one of an authority" },
        { "an issuer without audience", ["--Policies:Directory", "{docs}", "--Auth:Jwt:Issuer", "https://i.example"], "set --Auth:Jwt:Audience" },
        { "an audience without issuer", ["--Policies:Directory", "{docs}", "--Auth:Jwt:Audience", "p"], "set --Auth:Jwt:Issuer" },
        { "keys without issuer", ["--Policies:Directory", "{docs}", "--Auth:Jwt:KeysFile", "p"], "set --Auth:Jwt:Issuer" },
        { "an issuer over http", ["--Policies:Directory", "{docs}", "--Auth:Jwt:Issuer", "http://i.example", "--Auth:Jwt:Audience", "p"], "write https://<host>" },
        { "an issuer of a reserved name", ["--Policies:Directory", "{docs}", "--Auth:Jwt:Issuer", "https://spiffe", "--Auth:Jwt:Audience", "p"], "--Auth:Jwt:Issuer" },
        { "keys that are not there", ["--Policies:Directory", "{docs}", "--Auth:Jwt:Issuer", "https://i.example", "--Auth:Jwt:Audience", "p", "--Auth:Jwt:KeysFile", "/nowhere.json"], "mend --Auth:Jwt:KeysFile" },
        { "too much skew", ["--Policies:Directory", "{docs}", "--Auth:Jwt:ClockSkew", "1h"], "--Auth:Jwt:ClockSkew" },
        { "keys looked for all the time", ["--Policies:Directory", "{docs}", "--Auth:Jwt:KeysInterval", "1s"], "--Auth:Jwt:KeysInterval" },
        { "no URL", ["--Policies:Directory", "{docs}", "--Urls:Grpc", "50051"], "--Urls:Grpc" },
        { "a key service on another machine without TLS", ["--Policies:Directory", "{docs}", "--Kms:Endpoint", "http://192.0.2.1"], "--Kms:Endpoint" },
        { "a key service that is no URL", ["--Policies:Directory", "{docs}", "--Kms:Endpoint", "cloudkms"], "--Kms:Endpoint" },
        { "an interval of nothing", ["--Policies:Directory", "{docs}", "--Kms:StateInterval", "0s"], "--Kms:StateInterval" },
        { "an interval without unit", ["--Policies:Directory", "{docs}", "--Kms:StateInterval", "60"], "--Kms:StateInterval" },
        { "an interval of days", ["--Policies:Directory", "{docs}", "--Kms:StateInterval", "25h"], "--Kms:StateInterval" },
        { "records in a directory that is not there", ["--Policies:Directory", "{docs}", "--Audit:File", "/nowhere/records.jsonl"], "--Audit:File" },
        { "records in a directory", ["--Policies:Directory", "{docs}", "--Audit:File", "/"], "--Audit:File" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void Setting_that_cannot_be_meant_stops_the_start_with_one_line(string name, string[] arguments, string message)
    {
        using var authority = new PolicyService.Tests.OpenId.TestAuthority();
        Access.Credentials.Tls(_documents, authority);
        string[] given = [.. arguments.Select(argument => argument.Replace("{docs}", _documents.Path, StringComparison.Ordinal).Replace("{tls}", _documents.Beside("tls"), StringComparison.Ordinal))];

        var exception = Assert.Throws<SettingsException>(() => ServerHost.Build(given, TimeProvider.System));

        Assert.True(exception.Message.Contains(message, StringComparison.Ordinal), $"{name}: {exception.Message}");
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Theory]
    [InlineData("http://localhost:0")]
    [InlineData("http://127.0.0.1:0/")]
    [InlineData("http://127.1.2.3:0")]
    public async Task Loopback_may_be_written_in_several_ways(string url)
    {
        var host = ServerHost.Build(
            ["--Policies:Directory", _documents.Path, $"--Urls:Grpc={url}", "--urls:http", url, "--Audit:File", _documents.Beside("records.jsonl"), "--Audit:Durable=false"],
            TimeProvider.System);
        await using (host.Application)
        {
            await host.Application.StartAsync(TestContext.Current.CancellationToken);
            Assert.All(new[] { host.GrpcUrl, host.HttpUrl }, bound => Assert.True(IPAddress.IsLoopback(IPAddress.Parse(new Uri(bound).Host))));
            Assert.DoesNotContain(":0", host.GrpcUrl, StringComparison.Ordinal);
            await host.Application.StopAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Missing_directory_ends_the_process_with_one_line_and_code_2()
    {
        var (code, errors) = await ServerProcess.FailAsync("--Policies:Directory", "/nowhere/at/all");

        Assert.Equal(2, code);
        Assert.Equal("PolicyService does not start: the documents directory `/nowhere/at/all` does not exist: create it, or mend --Policies:Directory", Assert.Single(errors));
    }

    [Fact]
    public async Task Port_in_use_ends_the_process_with_one_line_and_code_2()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";

        var (code, errors) = await ServerProcess.FailAsync("--Policies:Directory", _documents.Path, "--Urls:Grpc", url, "--Urls:Http", "http://127.0.0.1:0");

        Assert.Equal(2, code);
        var line = Assert.Single(errors, line => line.Contains("does not start", StringComparison.Ordinal));
        Assert.Contains(url, line, StringComparison.Ordinal);
        Assert.DoesNotContain(errors, error => error.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Port_for_administrators_ends_the_process_with_one_line_and_code_2()
    {
        var (code, errors) = await ServerProcess.FailUnprivilegedAsync("--Policies:Directory", _documents.Path, "--Urls:Grpc", "http://127.0.0.1:81", "--Urls:Http", "http://127.0.0.1:0");

        Assert.Equal(2, code);
        var line = Assert.Single(errors, line => line.Contains("does not start", StringComparison.Ordinal));
        Assert.Contains("http://127.0.0.1:81", line, StringComparison.Ordinal);
        Assert.DoesNotContain(errors, error => error.Contains("   at ", StringComparison.Ordinal));
    }

    public void Dispose() => _documents.Dispose();
}
