using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Evidence.Keys;

/// <summary>Where Cloud KMS answers: https anywhere, plain http on this machine alone.</summary>
public sealed record KmsEndpoint
{
    /// <summary>Google's own.</summary>
    public const string Default = "https://cloudkms.googleapis.com";

    private KmsEndpoint(Uri url) => Url = url;

    /// <summary>The base of every call; ends with a slash.</summary>
    public Uri Url { get; }

    /// <summary>Whoever listens there may hear everything, so no credentials go there, and none are needed.</summary>
    public bool IsWithoutCredentials => Url.Scheme == Uri.UriSchemeHttp;

    public static bool TryParse(string? text, [NotNullWhen(true)] out KmsEndpoint? endpoint)
    {
        var valid = Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0;
        endpoint = valid ? new KmsEndpoint(url!.AbsolutePath.EndsWith('/') ? url : new Uri(url.AbsoluteUri + "/")) : null;
        return valid;
    }

    public override string ToString() => Url.AbsoluteUri;
}
