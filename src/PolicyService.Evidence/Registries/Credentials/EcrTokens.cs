using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>Gives the service's AWS access key.</summary>
internal delegate Task<AwsKey> AwsKeySource(CancellationToken cancellation);

/// <summary>
/// User and password for Amazon ECR: <c>GetAuthorizationToken</c> of its API
/// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html).
/// </summary>
/// <param name="keys">The service's AWS access key.</param>
/// <param name="reach">Where an endpoint of ECR is reached; tests have it on this machine.</param>
/// <param name="calls">Carries the call.</param>
/// <param name="time">The clock.</param>
internal sealed class EcrTokens(AwsKeySource keys, Func<Uri, Uri> reach, TokenCall calls, TimeProvider time)
{
    private const string ContentType = "application/x-amz-json-1.1";
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };

    /// <exception cref="CredentialsException">There is none. Nothing is said of the keys.</exception>
    public async Task<CredentialLease> GetAsync(EcrRegistry registry, CancellationToken cancellation)
    {
        var key = await keys(cancellation);
        var body = "{}"u8.ToArray();
        using var request = new HttpRequestMessage(HttpMethod.Post, reach(registry.Endpoint))
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(ContentType) } },
        };
        var (target, service) = registry.IsPublic
            ? ("SpencerFrontendService.GetAuthorizationToken", "ecr-public")
            : ("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", "ecr");
        AwsSignature.Sign(request, body, ContentType, target, key, registry.Region, service, time.GetUtcNow());
        return Read(await calls.SendAsync(request, cancellation));
    }

    private static CredentialLease Read(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer, Strict);
            var data = document.RootElement.GetProperty("authorizationData");
            var given = data.ValueKind is JsonValueKind.Array ? data[0] : data;
            var pair = Encoding.UTF8.GetString(given.GetProperty("authorizationToken").GetBytesFromBase64());
            var until = DateTimeOffset.UnixEpoch.AddSeconds(given.GetProperty("expiresAt").GetDouble());
            var colon = pair.IndexOf(':', StringComparison.Ordinal);
            return colon > 0 && colon < pair.Length - 1
                ? new CredentialLease(new RegistryCredential(pair[..colon], pair[(colon + 1)..]), until - Limits.CloudTokenMargin)
                : throw new FormatException();
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or IndexOutOfRangeException)
        {
            throw new CredentialsException(CallFailure.CredentialsUnreachable);
        }
    }
}
