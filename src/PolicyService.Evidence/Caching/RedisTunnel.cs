using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Core;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace PolicyService.Evidence.Caching;

/// <summary>
/// Makes the connections of the client library: where they may lead, TLS, and the guard on what comes back. The guard needs the
/// decrypted bytes, so the library is told nothing of TLS.
/// </summary>
internal sealed class RedisTunnel(ConfigurationOptions options, bool isCluster, X509Certificate2Collection? authorities, TimeProvider time) : Tunnel
{
    /// <summary>What a bell may send in a second; a message has under 200 bytes.</summary>
    private const int BellBytesPerSecond = 256 * 1024;

    private readonly bool _isTls = options.Ssl;
    private readonly EndPoint[] _configured = [.. options.EndPoints];

    /// <summary>A single server that sends us on to other addresses does not decide where this service connects to.</summary>
    /// <exception cref="IOException">It leads elsewhere.</exception>
    public override ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        isCluster || !string.IsNullOrEmpty(options.ServiceName) || _configured.Contains(endpoint)
            ? ValueTask.FromResult<EndPoint?>(endpoint)
            : throw new IOException("an endpoint that was not configured");

    public override async ValueTask<Stream?> BeforeAuthenticateAsync(
        EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken)
    {
        Stream stream = new NetworkStream(socket ?? throw new IOException("no socket"), ownsSocket: true);
        if (_isTls)
        {
            stream = await EncryptAsync(stream, endpoint, cancellationToken);
        }

        return connectionType is ConnectionType.Subscription
            ? new GuardedStream(stream, Limits.RedisMessageBytes, BellBytesPerSecond, time)
            : new GuardedStream(stream, Limits.RedisReplyBytes, null, time);
    }

    public override string ToString() => "policyservice";

    private async ValueTask<Stream> EncryptAsync(Stream stream, EndPoint endpoint, CancellationToken cancellation)
    {
        var tls = new SslStream(stream);
        // A certificate names addresses to fetch others from. Whoever presents it must not choose where this service connects to.
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = options.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck };
        if (authorities is not null)
        {
            // An authority of one's own seldom publishes what it revoked, and an unknown state would be a refusal.
            policy.RevocationMode = X509RevocationMode.NoCheck;
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        var isSecure = false;
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = options.SslHost is { Length: > 0 } host ? host : HostOf(endpoint),
                    EnabledSslProtocols = options.SslProtocols.GetValueOrDefault(),
                    CertificateChainPolicy = policy,
                },
                cancellation);
            isSecure = true;
            return tls;
        }
        finally
        {
            if (!isSecure)
            {
                await tls.DisposeAsync();
            }
        }
    }

    private static string HostOf(EndPoint endpoint) => endpoint switch
    {
        DnsEndPoint name => name.Host,
        IPEndPoint address => address.Address.ToString(),
        _ => Convert.ToString(endpoint, CultureInfo.InvariantCulture) ?? "",
    };
}
