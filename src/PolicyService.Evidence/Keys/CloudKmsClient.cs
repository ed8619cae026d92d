using System.Globalization;
using System.Text.Json;
using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// Cloud KMS over REST: the few calls we need, because the client package is not in the package feed
/// (docs/decisions/2026-11-23-kms-client.md). Thread-safe.
/// </summary>
public sealed class CloudKmsClient : IKeyManagement, IDisposable
{
    /// <summary>Time for one attempt where many wait for it: a service that takes longer is down.</summary>
    public static readonly TimeSpan ServiceAttempt = TimeSpan.FromSeconds(3);

    private readonly KmsTransport _transport;

    /// <param name="endpoint">Where it answers. Plain http, which is this machine, gets no credentials.</param>
    /// <param name="attempt">Time for one attempt, credentials and all.</param>
    /// <param name="metrics">Counts retries.</param>
    /// <param name="time">Measures the time of attempts.</param>
    public CloudKmsClient(KmsEndpoint endpoint, TimeSpan attempt, KeyMetrics metrics, TimeProvider time)
        : this(endpoint, endpoint.IsWithoutCredentials ? null : new GoogleCredentials(endpoint.Url).GetTokenAsync, attempt, metrics, time)
    {
    }

    internal CloudKmsClient(KmsEndpoint endpoint, AccessTokenSource? tokens, TimeSpan attempt, KeyMetrics metrics, TimeProvider time) =>
        _transport = new KmsTransport(endpoint, tokens, attempt, metrics, time);

    public async Task<PublicKey> GetPublicKeyAsync(KmsKeyName name, CancellationToken cancellation) =>
        KmsReplies.PublicKey(name, await _transport.SendAsync(HttpMethod.Get, $"v1/{name.Resource}/publicKey", null, cancellation));

    public async Task<KeyState> GetStateAsync(KmsKeyName name, CancellationToken cancellation) =>
        KmsReplies.State(name, await _transport.SendAsync(HttpMethod.Get, $"v1/{name.Resource}", null, cancellation));

    public async Task<byte[]> SignAsync(KmsKeyName name, ReadOnlyMemory<byte> digest, CancellationToken cancellation) =>
        KmsReplies.Signature(name, await _transport.SendAsync(HttpMethod.Post, $"v1/{name.Resource}:asymmetricSign", SignRequest(digest.Span), cancellation));

    public void Dispose() => _transport.Dispose();

    private static byte[] SignRequest(ReadOnlySpan<byte> digest)
    {
        var hash = digest.Length switch
        {
            32 => "sha256",
            48 => "sha384",
            64 => "sha512",
            _ => throw new ArgumentException("a digest of SHA-256, SHA-384 or SHA-512 is signed", nameof(digest)),
        };
        using var body = new MemoryStream();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("digest");
            writer.WriteBase64String(hash, digest);
            writer.WriteEndObject();
            writer.WriteString("digestCrc32c", Crc32C.Of(digest).ToString(CultureInfo.InvariantCulture));
            writer.WriteEndObject();
        }

        return body.ToArray();
    }
}
