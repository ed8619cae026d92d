namespace PolicyService.Core.Policies;

/// <summary>Where a Container Analysis answers: https anywhere, plain http on this machine alone. The default value is no endpoint.</summary>
public readonly record struct ContainerAnalysisEndpoint
{
    /// <summary>Google's own.</summary>
    public static ContainerAnalysisEndpoint Google { get; } = new(new Uri("https://containeranalysis.googleapis.com/"));

    private const string GoogleHosts = ".googleapis.com";

    private readonly Uri? _url;

    private ContainerAnalysisEndpoint(Uri url) => _url = url;

    /// <summary>The base of every call; ends with a slash.</summary>
    public Uri Url => _url ?? throw new InvalidOperationException("default(ContainerAnalysisEndpoint) is no endpoint");

    /// <summary>
    /// Whether the service's own Google credentials go there. A document of one project names the endpoint, and the credentials are
    /// those of the service: to any other host they would be a gift to the document's author.
    /// </summary>
    public bool TakesGoogleCredentials =>
        Url.Scheme == Uri.UriSchemeHttps && Url.IsDefaultPort && Url.IdnHost.EndsWith(GoogleHosts, StringComparison.OrdinalIgnoreCase);

    public static bool TryParse(string? text, out ContainerAnalysisEndpoint endpoint)
    {
        var valid = text is { Length: <= Limits.LongStringBytes }
            && Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0;
        endpoint = valid ? new ContainerAnalysisEndpoint(new Uri(new Uri(text!).AbsoluteUri.TrimEnd('/') + "/")) : default;
        return valid;
    }

    internal static bool Parse(string text, out ContainerAnalysisEndpoint endpoint, out string problem)
    {
        // What answers there says which attestations exist, and since when: nobody on the way may speak for it.
        problem = "write https://<host>, or http:// with a loopback address";
        return TryParse(text, out endpoint);
    }

    public override string ToString() => _url?.AbsoluteUri ?? "";
}
