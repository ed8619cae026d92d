using System.Net.Http.Headers;
using PolicyService.Core;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>One GET, its redirections followed by hand: to permitted places only, and without credentials from the first other host on.</summary>
internal static class RegistryExchange
{
    private const string ContentDigest = "Docker-Content-Digest";

    /// <param name="endpoint">Who is asked.</param>
    /// <param name="request">For what.</param>
    /// <param name="authorization">What is presented to it; null: nothing.</param>
    /// <param name="now">For dates that the host gives.</param>
    /// <param name="cancellation">The end of the patience.</param>
    /// <exception cref="OperationCanceledException">It ended.</exception>
    public static async Task<RegistryReply> GetAsync(RegistryEndpoint endpoint, RegistryRequest request, AuthenticationHeaderValue? authorization, DateTimeOffset now, CancellationToken cancellation)
    {
        var url = endpoint.UrlOf(request);
        var visited = new HashSet<string>(StringComparer.Ordinal) { url.AbsoluteUri };
        try
        {
            while (endpoint.Guard.Permits(url))
            {
                var isOwn = endpoint.Guard.IsOwn(url);
                authorization = isOwn ? authorization : null;
                using var message = Message(url, request, authorization);
                using var response = await endpoint.Http.SendAsync(message, cancellation);
                if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
                {
                    return await ReadAsync(response, request, visited.Count == 1, now, cancellation);
                }

                if (Target(url, Values(response.Headers, "Location")) is not { } next || (url.Scheme != next.Scheme && next.Scheme != Uri.UriSchemeHttps) || !visited.Add(next.AbsoluteUri) || visited.Count > Limits.RegistryRedirections + 1)
                {
                    break;
                }

                url = next;
            }

            return RegistryReply.Failed(RemoteFailure.RedirectRefused);
        }
        catch (HttpRequestException exception)
        {
            return RegistryReply.Of(exception);
        }
    }

    private static Uri? Target(Uri url, string[] locations) => locations.Length == 1 && Uri.TryCreate(url, locations[0], out var target) ? target : null;

    private static HttpRequestMessage Message(Uri url, RegistryRequest request, AuthenticationHeaderValue? authorization)
    {
        var message = new HttpRequestMessage(HttpMethod.Get, url);
        foreach (var type in request.Accept)
        {
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        }

        message.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        message.Headers.UserAgent.Add(new ProductInfoHeaderValue("PolicyService", "1"));
        message.Headers.Authorization = authorization;
        return message;
    }

    private static async Task<RegistryReply> ReadAsync(HttpResponseMessage response, RegistryRequest request, bool isDirect, DateTimeOffset now, CancellationToken cancellation)
    {
        var reply = new RegistryReply
        {
            Status = (int)response.StatusCode,
            MediaType = response.Content.Headers.ContentType?.MediaType ?? "",
            ContentDigests = Values(response.Headers, ContentDigest),
            Links = Values(response.Headers, "Link"),
            Challenges = isDirect ? Values(response.Headers, "WWW-Authenticate") : [],
            RetryAfter = RetryAfter(Values(response.Headers, "Retry-After"), now),
        };
        return reply.Status switch
        {
            200 => await WithBodyAsync(reply, response, request.MaxBytes, cancellation),
            401 => reply with { Failure = RemoteFailure.Unauthenticated },
            403 => reply with { Failure = RemoteFailure.PermissionDenied },
            404 => await WithErrorAsync(reply, response, cancellation),
            429 => reply with { Failure = RemoteFailure.RateLimited },
            >= 500 => reply with { Failure = RemoteFailure.ServerError },
            _ => reply with { Failure = RemoteFailure.Refused },
        };
    }

    private static async Task<RegistryReply> WithBodyAsync(RegistryReply reply, HttpResponseMessage response, int maxBytes, CancellationToken cancellation)
    {
        if (!IsPlain(response))
        {
            return reply with { Failure = RemoteFailure.Malformed };
        }

        if (response.Content.Headers.ContentLength > maxBytes)
        {
            return reply with { IsTooLarge = true };
        }

        var outcome = await BoundedBody.ReadAsync(response, maxBytes, cancellation);
        return outcome.Failure switch
        {
            CallFailure.TooLarge => reply with { IsTooLarge = true },
            CallFailure.Truncated => reply with { Failure = RemoteFailure.Truncated, IsCut = true },
            _ => reply with { Body = outcome.Body },
        };
    }

    private static async Task<RegistryReply> WithErrorAsync(RegistryReply reply, HttpResponseMessage response, CancellationToken cancellation)
    {
        var outcome = IsPlain(response) ? await BoundedBody.ReadAsync(response, Limits.RegistryReplyBytes, cancellation) : default;
        return outcome.Body is { } body && OciErrors.SayNotThere(body) ? reply with { IsNotThere = true } : reply with { Failure = RemoteFailure.NotFound };
    }

    // Compressed content is another content: its digest is not that of what it stands for, and its size says nothing.
    private static bool IsPlain(HttpResponseMessage response) =>
        Values(response.Content.Headers, "Content-Encoding").All(encoding => encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        && Values(response.Headers, "Transfer-Encoding").All(encoding => encoding.Equals("chunked", StringComparison.OrdinalIgnoreCase));

    private static string[] Values(HttpHeaders headers, string name) => headers.NonValidated.TryGetValues(name, out var values) ? [.. values] : [];

    private static TimeSpan? RetryAfter(string[] values, DateTimeOffset now)
    {
        if (values.Length != 1 || !RetryConditionHeaderValue.TryParse(values[0], out var parsed))
        {
            return null;
        }

        var wait = parsed.Delta ?? (parsed.Date!.Value - now);
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
