using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>An access key of AWS. Never part of a message or a log.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Secret">The key.</param>
/// <param name="SessionToken">Of temporary keys; null: a lasting one.</param>
internal sealed record AwsKey(string Id, string Secret, string? SessionToken)
{
    public override string ToString() => "an AWS access key";
}

/// <summary>
/// Signs a POST to the root of an AWS service: Signature Version 4
/// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
/// </summary>
internal static class AwsSignature
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>Adds the headers of the signature. Everything that says what is asked is signed: host, type, target, time, session and body.</summary>
    public static void Sign(HttpRequestMessage request, byte[] body, string contentType, string target, AwsKey key, string region, string service, DateTimeOffset now)
    {
        var time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var day = time[..8];
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["content-type"] = contentType,
            ["host"] = request.RequestUri!.Authority,
            ["x-amz-date"] = time,
            ["x-amz-target"] = target,
        };
        if (key.SessionToken is not null)
        {
            headers["x-amz-security-token"] = key.SessionToken;
        }

        var names = string.Join(';', headers.Keys);
        var lines = string.Concat(headers.Select(header => $"{header.Key}:{header.Value.Trim()}\n"));
        var canonical = $"POST\n/\n\n{lines}\n{names}\n{Hex(SHA256.HashData(body))}";
        var scope = $"{day}/{region}/{service}/aws4_request";
        var text = $"{Algorithm}\n{time}\n{scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signing = Mac(Mac(Mac(Mac(Encoding.UTF8.GetBytes("AWS4" + key.Secret), day), region), service), "aws4_request");

        foreach (var (name, value) in headers.Where(header => header.Key.StartsWith("x-amz-", StringComparison.Ordinal)))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        request.Headers.TryAddWithoutValidation("Authorization", $"{Algorithm} Credential={key.Id}/{scope}, SignedHeaders={names}, Signature={Hex(Mac(signing, text))}");
    }

    private static byte[] Mac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
