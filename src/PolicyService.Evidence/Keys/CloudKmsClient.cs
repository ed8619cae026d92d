using System.Globalization;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// Cloud KMS over REST: the few calls we need, because the client package is not in the package feed
/// (docs/decisions/2026-11-23-kms-client.md). Thread-safe.
/// </summary>
public sealed class CloudKmsClient : IKeyManagement, IDisposable
{
    /// <summary>Time for one attempt where many wait for it: a service that takes longer is down.</summary>
    public static readonly TimeSpan ServiceAttempt = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly ApiTransport _transport;

    /// <param name="endpoint">Where it answers. Plain http, which is this machine, gets no credentials.</param>
    /// <param name="attempt">Time for one attempt, credentials and all.</param>
    /// <param name="metrics">Counts retries.</param>
    /// <param name="time">Measures the time of attempts.</param>
    public CloudKmsClient(KmsEndpoint endpoint, TimeSpan attempt, KeyMetrics metrics, TimeProvider time)
        : this(endpoint, endpoint.IsWithoutCredentials ? null : new GoogleCredentials(endpoint.Url, GoogleCredentials.KmsScope).GetTokenAsync, attempt, metrics, time)
    {
    }

    internal CloudKmsClient(KmsEndpoint endpoint, AccessTokenSource? tokens, TimeSpan attempt, KeyMetrics metrics, TimeProvider time) =>
        _transport = new ApiTransport(new ApiSettings(endpoint.Url, tokens, attempt, LongestPause, metrics.CountRetry), time);

    public async Task<PublicKey> GetPublicKeyAsync(KmsKeyName name, CancellationToken cancellation) =>
        KmsReplies.PublicKey(name, await SendAsync(HttpMethod.Get, $"v1/{name.Resource}/publicKey", null, cancellation));

    public async Task<KeyState> GetStateAsync(KmsKeyName name, CancellationToken cancellation) =>
        KmsReplies.State(name, await SendAsync(HttpMethod.Get, $"v1/{name.Resource}", null, cancellation));

    public async Task<byte[]> SignAsync(KmsKeyName name, ReadOnlyMemory<byte> digest, CancellationToken cancellation) =>
        KmsReplies.Signature(name, await SendAsync(HttpMethod.Post, $"v1/{name.Resource}:asymmetricSign", SignRequest(digest.Span), cancellation));

    public void Dispose() => _transport.Dispose();

    /// <returns>The body of a 200.</returns>
    private async Task<byte[]> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation)
    {
        var outcome = await _transport.SendAsync(method, path, body, Limits.KeyServiceReplyBytes, cancellation);
        return outcome.Body ?? throw new KeyServiceException(Of(outcome.Failure));
    }

    private static KeyFailure Of(CallFailure failure) => failure switch
    {
        CallFailure.NoCredentials or CallFailure.CredentialsUnreachable => KeyFailure.NoCredentials,
        CallFailure.Unauthenticated => KeyFailure.Unauthenticated,
        CallFailure.PermissionDenied => KeyFailure.PermissionDenied,
        CallFailure.NotFound => KeyFailure.NotFound,
        CallFailure.RateLimited => KeyFailure.RateLimited,
        CallFailure.ServerError => KeyFailure.ServerError,
        CallFailure.Refused => KeyFailure.Refused,
        CallFailure.Timeout => KeyFailure.Timeout,
        CallFailure.Connection => KeyFailure.Connection,
        CallFailure.Tls => KeyFailure.Tls,
        CallFailure.TooLarge => KeyFailure.TooLarge,
        _ => KeyFailure.Malformed,
    };

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
