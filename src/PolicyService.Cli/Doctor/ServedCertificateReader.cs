using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using k8s;
using k8s.Autorest;

namespace PolicyService.Cli.Doctor;

/// <summary>What the adapter shows: asked of one of its pods where they can be reached, else read from the Secret that they mount.</summary>
internal sealed class ServedCertificateReader(IKubernetes client)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Most addresses tried: where one cannot be reached, others seldom can.</summary>
    private const int MostAddresses = 3;

    /// <summary>Null: neither was to be had.</summary>
    public async Task<ServedCertificate?> ReadAsync(Installation installation, CancellationToken cancellation) =>
        await FromPods(installation, cancellation) ?? await FromSecret(installation, cancellation);

    private async Task<ServedCertificate?> FromPods(Installation installation, CancellationToken cancellation)
    {
        var slices = await Try(() => client.DiscoveryV1.ListNamespacedEndpointSliceAsync(installation.Namespace, labelSelector: $"kubernetes.io/service-name={installation.Adapter}", limit: 10, cancellationToken: cancellation));
        var addresses = from slice in slices?.Items ?? []
                        from endpoint in slice.Endpoints ?? []
                        where endpoint.Conditions?.Ready is null or true
                        from address in endpoint.Addresses ?? []
                        from port in slice.Ports ?? []
                        where port.Port is not null
                        select (address, port.Port!.Value);
        foreach (var (address, port) in addresses.Take(MostAddresses))
        {
            if (await Shown(address, port, installation.HostName, cancellation) is { } chain)
            {
                return new ServedCertificate($"shown by {address}:{port}", chain);
            }
        }

        return null;
    }

    /// <summary>The certificate is looked at, never believed: nothing is said over this connection.</summary>
    private static async Task<X509Certificate2Collection?> Shown(string address, int port, string name, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        var shown = new X509Certificate2Collection();
        try
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync(System.Net.IPAddress.Parse(address), port, either.Token);
            await using var tls = new SslStream(connection.GetStream());
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = name,
                    RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                    {
                        // Copies: those of the chain end with it.
                        foreach (var one in new[] { certificate! }.Concat(chain!.ChainElements.Skip(1).Select(element => element.Certificate)))
                        {
                            shown.Add(X509CertificateLoader.LoadCertificate(one.GetRawCertData()));
                        }

                        return true;
                    },
                },
                either.Token);
        }
        catch (Exception unreachable) when (unreachable is SocketException or IOException or AuthenticationException or FormatException || (unreachable is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // A certificate that was shown was shown, however the handshake ended: the server may want one of ours.
        }

        return shown.Count > 0 ? shown : null;
    }

    private async Task<ServedCertificate?> FromSecret(Installation installation, CancellationToken cancellation)
    {
        var secret = await Try(() => client.CoreV1.ReadNamespacedSecretAsync($"{installation.Adapter}-tls", installation.Namespace, cancellationToken: cancellation));
        if (secret?.Data is null || !secret.Data.TryGetValue("tls.crt", out var content))
        {
            return null;
        }

        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(System.Text.Encoding.UTF8.GetString(content));
        }
        catch (CryptographicException)
        {
            return null;
        }

        return chain.Count > 0 ? new ServedCertificate($"Secret {installation.Namespace}/{installation.Adapter}-tls", chain) : null;
    }

    /// <summary>What may be missing or forbidden: the certificate is then not seen, and the report says so.</summary>
    private static async Task<T?> Try<T>(Func<Task<T>> read)
        where T : class
    {
        try
        {
            return await read();
        }
        catch (HttpOperationException)
        {
            return null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
