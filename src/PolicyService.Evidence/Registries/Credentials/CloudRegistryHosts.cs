using System.Text.RegularExpressions;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>A registry of Amazon ECR.</summary>
/// <param name="Endpoint">Where its tokens are had.</param>
/// <param name="Region">The region the question is signed for.</param>
/// <param name="IsPublic"><c>public.ecr.aws</c>, whose service has another name.</param>
internal sealed record EcrRegistry(Uri Endpoint, string Region, bool IsPublic);

/// <summary>
/// Which hosts are a cloud's own, so that its credentials may go there. Each pattern is held at both ends, takes lower case alone and no
/// port: <c>evilgcr.io</c>, <c>gcr.io.evil.com</c> and <c>x.pkg.dev:8443</c> are somebody else's.
/// </summary>
internal static partial class CloudRegistryHosts
{
    /// <summary>
    /// <c>gcr.io</c>, or below <c>gcr.io</c> or <c>pkg.dev</c>
    /// (https://cloud.google.com/artifact-registry/docs/docker/authentication).
    /// </summary>
    public static bool IsGoogle(string host) => GoogleHost().IsMatch(host);

    /// <summary>
    /// <c>ACCOUNT.dkr.ecr.REGION.amazonaws.com</c>, its FIPS and its Chinese form, and <c>public.ecr.aws</c>
    /// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html, https://docs.aws.amazon.com/general/latest/gr/ecr.html).
    /// </summary>
    /// <returns>Null: another host.</returns>
    public static EcrRegistry? FindEcr(string host)
    {
        if (host == "public.ecr.aws")
        {
            return new EcrRegistry(new Uri("https://api.ecr-public.us-east-1.amazonaws.com/"), "us-east-1", IsPublic: true);
        }

        var match = EcrHost().Match(host);
        var region = match.Groups["region"].Value;
        var china = match.Groups["china"].Value;
        // The Chinese regions have a domain of their own, and no other region is below it.
        if (!match.Success || (china.Length > 0) != region.StartsWith("cn-", StringComparison.Ordinal))
        {
            return null;
        }

        var service = match.Groups["fips"].Length > 0 ? "ecr-fips" : "api.ecr";
        return new EcrRegistry(new Uri($"https://{service}.{region}.amazonaws.com{china}/"), region, IsPublic: false);
    }

    /// <summary>
    /// One label below <c>azurecr.io</c>, <c>.cn</c> or <c>.us</c>; what Azure keeps further down serves blobs and takes no credentials
    /// (https://learn.microsoft.com/azure/container-registry/container-registry-faq).
    /// </summary>
    /// <returns>The scope of the Microsoft Entra token that the registry exchanges; null: another host.</returns>
    public static string? FindAcrScope(string host) => AcrHost().Match(host).Groups["cloud"].Value switch
    {
        "io" => "https://management.azure.com/.default",
        "cn" => "https://management.chinacloudapi.cn/.default",
        "us" => "https://management.usgovcloudapi.net/.default",
        _ => null,
    };

    [GeneratedRegex(@"\A(gcr\.io|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+(gcr\.io|pkg\.dev))\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex GoogleHost();

    [GeneratedRegex(@"\A[0-9]{12}\.dkr\.ecr(?<fips>-fips)?\.(?<region>[a-z]{2,8}(-[a-z]{2,16}){1,3}-[0-9]{1,2})\.amazonaws\.com(?<china>\.cn)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex EcrHost();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.azurecr\.(?<cloud>io|cn|us)\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex AcrHost();
}
