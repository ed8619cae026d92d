using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>Credentials in a file, which may come late and change, and a token server that answers for them.</summary>
public sealed class GoogleCredentialsTests : IDisposable
{
    private static readonly Uri Service = new("https://cloudkms.googleapis.com/");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("credentials-");
    private readonly RSA _key = RSA.Create(2048);

    private string File => Path.Combine(_folder.FullName, "credentials.json");

    private GoogleCredentials Credentials => new(Service, GoogleCredentials.KmsScope, File);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _key.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task File_that_comes_late_is_found()
    {
        using var tokens = new TokenServer("one");
        var credentials = Credentials;
        Assert.Equal(CallFailure.NoCredentials, (await Assert.ThrowsAsync<CredentialsException>(() => credentials.GetTokenAsync(Cancellation))).Failure);

        Write(tokens);

        Assert.Equal("one", await credentials.GetTokenAsync(Cancellation));
    }

    [Fact]
    public async Task File_that_changes_is_read_again_and_otherwise_not()
    {
        using var one = new TokenServer("one");
        using var two = new TokenServer("two");
        var credentials = Credentials;
        Write(one);
        Assert.Equal(("one", "one"), (await credentials.GetTokenAsync(Cancellation), await credentials.GetTokenAsync(Cancellation)));
        Assert.Equal(1, one.Calls);

        Write(two);
        System.IO.File.SetLastWriteTimeUtc(File, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        Assert.Equal("two", await credentials.GetTokenAsync(Cancellation));
    }

    [Fact]
    public async Task File_that_is_none_is_said_without_a_word_of_it()
    {
        await System.IO.File.WriteAllTextAsync(File, "{\"type\": \"service_account\", \"private_key\": \"hunter2\"}", Cancellation);

        var exception = await Assert.ThrowsAsync<CredentialsException>(() => Credentials.GetTokenAsync(Cancellation));

        Assert.Equal(CallFailure.NoCredentials, exception.Failure);
        Assert.DoesNotContain("hunter2", exception.ToString(), StringComparison.Ordinal);
    }

    private void Write(TokenServer tokens) => System.IO.File.WriteAllText(File, new JsonObject
    {
        ["type"] = "service_account",
        ["client_email"] = "policyservice@acme.iam.gserviceaccount.com",
        ["private_key_id"] = "1",
        ["private_key"] = _key.ExportPkcs8PrivateKeyPem(),
        ["token_uri"] = tokens.Url,
    }.ToJsonString());

    /// <summary>Gives one token, whoever asks.</summary>
    private sealed class TokenServer : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly string _token;
        private int _calls;

        public TokenServer(string token)
        {
            _token = token;
            using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
            }

            _listener.Prefixes.Add(Url);
            _listener.Start();
            _ = ServeAsync();
        }

        public string Url { get; }

        public int Calls => Volatile.Read(ref _calls);

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    Interlocked.Increment(ref _calls);
                    context.Response.ContentType = "application/json";
                    await context.Response.OutputStream.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{{\"access_token\": \"{_token}\", \"expires_in\": 3600, \"token_type\": \"Bearer\"}}"));
                    context.Response.Close();
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // Closed.
            }
        }
    }
}
