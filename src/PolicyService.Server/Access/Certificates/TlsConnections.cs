using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace PolicyService.Server.Access.Certificates;

/// <summary>TLS of both ports: 1.2 or 1.3, with the certificate in force at each handshake, asking for a client's where authorities are configured.</summary>
internal sealed class TlsConnections(ServerCertificate certificate, ClientAuthorities authorities)
{
    /// <summary>A handshake that takes longer is somebody who holds a connection.</summary>
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);

    public void Use(ListenOptions listen)
    {
        var application = listen.Protocols is HttpProtocols.Http2 ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11;
        listen.Use(next => connection => HandshakeAsync(connection, next));
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakeTime,
            OnConnection = context => ValueTask.FromResult(Options(context, application)),
        });
    }

    /// <summary>
    /// The library throws at certificates it cannot read, before anybody is asked what to think of them, and the web server would log each as a
    /// failure of ours: whoever has no credentials must not be able to fill the log. The connection ends like every other failed handshake.
    /// </summary>
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

    private SslServerAuthenticationOptions Options(TlsHandshakeCallbackContext context, SslApplicationProtocol application)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [application],
            AllowRenegotiation = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (!authorities.IsConfigured)
        {
            return options;
        }

        var shown = new ConnectionCertificate(authorities);
        context.Connection.Features.Set(shown);
        options.ClientCertificateRequired = true;
        // A resumed session would skip the certificates between the client's and its authority.
        options.AllowTlsResume = false;
        // The library looks too, at nothing but what it has, and its view does not count.
        options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        // Judged at each request, with a reason and by what is trusted then.
        options.RemoteCertificateValidationCallback = (_, client, chain, _) => client is null || shown.TryShow(client, chain);
        return options;
    }
}
