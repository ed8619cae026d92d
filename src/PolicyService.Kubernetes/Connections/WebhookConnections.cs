using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace PolicyService.Kubernetes.Connections;

/// <summary>TLS of the one port: 1.2 or 1.3, with the certificate in force at each handshake, asking for a client's where webhooks need one.</summary>
internal sealed class WebhookConnections(AdapterCertificate certificate, ClientCertificates clients)
{
    /// <summary>As many as an API server sends beside its own.</summary>
    private const int MaxIntermediates = 8;

    /// <summary>A handshake that takes longer is somebody who holds a connection.</summary>
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);

    public void Use(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.Use(next => connection => HandshakeAsync(connection, next));
        listen.UseHttps(new TlsHandshakeCallbackOptions { HandshakeTimeout = HandshakeTime, OnConnection = context => ValueTask.FromResult(Options(context)) });
    }

    /// <summary>Why this call may not come to a webhook; null: it may.</summary>
    public string? ProblemOf(HttpContext context) =>
        !clients.AreNeeded ? null
        : context.Features.Get<ShownCertificate>() is { } shown ? clients.ProblemOf(shown.Certificate, shown.Intermediates)
        : clients.ProblemOf(null, []);

    /// <summary>The library throws at certificates it cannot read; the connection ends like every other failed handshake.</summary>
    private static async Task HandshakeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        try
        {
            await next(connection);
        }
        catch (CryptographicException)
        {
            connection.Abort();
        }
    }

    private SslServerAuthenticationOptions Options(TlsHandshakeCallbackContext context)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            AllowRenegotiation = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (!clients.AreNeeded)
        {
            return options;
        }

        var shown = new ShownCertificate();
        context.Connection.Features.Set(shown);
        options.ClientCertificateRequired = true;
        // A resumed session would skip the certificates between the client's and its authority.
        options.AllowTlsResume = false;
        options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        // Judged at each request, by what is trusted then: health and metrics need none, and a refusal says why.
        options.RemoteCertificateValidationCallback = (_, client, chain, _) => client is null || shown.TryShow(client, chain);
        return options;
    }

    /// <summary>What the caller showed in the handshake. Copies: the handshake disposes what it has.</summary>
    private sealed class ShownCertificate
    {
        public X509Certificate2? Certificate { get; private set; }

        public X509Certificate2Collection Intermediates { get; private set; } = [];

        /// <returns>False: it cannot be read.</returns>
        public bool TryShow(X509Certificate certificate, X509Chain? chain)
        {
            try
            {
                Intermediates = [.. (chain?.ChainPolicy.ExtraStore ?? []).Take(MaxIntermediates).Select(sent => X509CertificateLoader.LoadCertificate(sent.RawData))];
                Certificate = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
                return true;
            }
            catch (CryptographicException)
            {
                return false;
            }
        }
    }
}
