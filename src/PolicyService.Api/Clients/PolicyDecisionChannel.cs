using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;

namespace PolicyService.Api.Clients;

/// <summary>How every client of ours connects to a PolicyService: one place for URL forms, message sizes and keep-alive.</summary>
public static class PolicyDecisionChannel
{
    /// <summary>Largest request a server takes; bytes.</summary>
    public const int MaxSendBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Largest answer taken; bytes. More than a request may have, because 500 denials carry 500 times their remedies.
    /// </summary>
    public const int MaxReceiveBytes = 32 * 1024 * 1024;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection of a process that runs for months takes new calls: then replicas that came meanwhile get their share.</summary>
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(5);

    /// <summary>Reads <c>http://host:port</c> (HTTP/2 without TLS) or <c>https://host:port</c>.</summary>
    public static bool TryParseUrl([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Uri? url)
    {
        var valid = Uri.TryCreate(text, UriKind.Absolute, out url)
            && url is { Scheme: "http" or "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" };
        url = valid ? url : null;
        return valid;
    }

    /// <summary>Opens a channel; it connects at the first call, and again whenever the connection is lost.</summary>
    /// <param name="url">The server.</param>
    /// <param name="credentials">What is shown to it; null: nothing.</param>
    /// <param name="isLongLived">
    /// It is kept for months: connections are renewed, calls under way on them stay, and a server that is gone is noticed while nobody asks too.
    /// </param>
    /// <exception cref="CredentialsException">These must not be shown to that server.</exception>
    public static GrpcChannel Open(Uri url, ClientCredentials? credentials = null, bool isLongLived = false)
    {
        if (credentials?.ProblemWith(url) is { } problem)
        {
            throw new CredentialsException(problem);
        }

        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            // A redirection would carry the token to somewhere else.
            AllowAutoRedirect = false,
            // A server that vanished without closing the connection is noticed by a missed ping, not by every caller's deadline.
            KeepAlivePingDelay = isLongLived ? PingTimeout : PingAfter,
            KeepAlivePingTimeout = isLongLived ? PingTimeout / 2 : PingTimeout,
            KeepAlivePingPolicy = isLongLived ? HttpKeepAlivePingPolicy.Always : HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
            PooledConnectionLifetime = isLongLived ? ConnectionLife : Timeout.InfiniteTimeSpan,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // An HTTP proxy cannot carry HTTP/2 without TLS, and nothing on this host is reached through one.
            UseProxy = url.Scheme == Uri.UriSchemeHttps && !url.IsLoopback,
        };
        if (credentials?.Authorities is { } authorities)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        handler.SslOptions.ClientCertificateContext = credentials?.Certificate;
        return GrpcChannel.ForAddress(url, new GrpcChannelOptions
        {
            HttpHandler = credentials?.Token is { } token ? new TokenHandler(token, handler) : handler,
            DisposeHttpClient = true,
            MaxSendMessageSize = MaxSendBytes,
            MaxReceiveMessageSize = MaxReceiveBytes,
        });
    }

    /// <summary>Puts the token on each call.</summary>
    private sealed class TokenHandler(Func<CancellationToken, ValueTask<string>> token, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token(cancellationToken));
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
