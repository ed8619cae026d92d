using PolicyService.Evidence.Registries.Credentials;

namespace PolicyService.Evidence.Tests.Registries.Credentials;

/// <summary>ATTACK 81: a cloud's credentials go to its own registries, and every pattern is held at both ends.</summary>
[Trait("attack", "81")]
public sealed class CloudRegistryHostsTests
{
    [Theory]
    [InlineData("gcr.io")]
    [InlineData("eu.gcr.io")]
    [InlineData("mirror.gcr.io")]
    [InlineData("europe-west1-docker.pkg.dev")]
    [InlineData("us-docker.pkg.dev")]
    public void Google_is_known(string host) => Assert.True(CloudRegistryHosts.IsGoogle(host));

    [Theory]
    [InlineData("longer first label", "evilgcr.io")]
    [InlineData("longer first label", "evil-pkg.dev")]
    [InlineData("below another domain", "gcr.io.evil.com")]
    [InlineData("below another domain", "us-docker.pkg.dev.evil.com")]
    [InlineData("the domain alone is no registry", "pkg.dev")]
    [InlineData("port", "x.pkg.dev:8443")]
    [InlineData("port", "gcr.io:443")]
    [InlineData("empty label", ".gcr.io")]
    [InlineData("empty label", "a..gcr.io")]
    [InlineData("label of dashes", "-.pkg.dev")]
    [InlineData("trailing dot", "gcr.io.")]
    [InlineData("line end", "gcr.io\n")]
    [InlineData("upper case", "GCR.IO")]
    [InlineData("look-alike dot", "gcr。io")]
    [InlineData("dot that is any character", "gcrxio")]
    [InlineData("dot that is any character", "us-docker.pkgxdev")]
    [InlineData("user", "evil.com@gcr.io")]
    [InlineData("user", "evil.com@x.gcr.io")]
    [InlineData("path", "evil.com/x.gcr.io")]
    [InlineData("query", "evil.com?x.gcr.io")]
    [InlineData("another cloud", "acme.azurecr.io")]
    [InlineData("nothing", "")]
    public void Google_is_nobody_else(string name, string host) => Assert.False(CloudRegistryHosts.IsGoogle(host), name);

    [Theory]
    [InlineData("123456789012.dkr.ecr.us-east-1.amazonaws.com", "https://api.ecr.us-east-1.amazonaws.com/", "us-east-1")]
    [InlineData("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "https://ecr-fips.us-gov-west-1.amazonaws.com/", "us-gov-west-1")]
    [InlineData("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "https://api.ecr.cn-north-1.amazonaws.com.cn/", "cn-north-1")]
    [InlineData("public.ecr.aws", "https://api.ecr-public.us-east-1.amazonaws.com/", "us-east-1")]
    public void Ecr_is_known_with_its_endpoint(string host, string endpoint, string region)
    {
        var registry = CloudRegistryHosts.FindEcr(host);

        Assert.Equal((new Uri(endpoint), region, host == "public.ecr.aws"), (registry?.Endpoint, registry?.Region, registry?.IsPublic));
    }

    [Theory]
    [InlineData("longer account", "1234567890123.dkr.ecr.us-east-1.amazonaws.com")]
    [InlineData("shorter account", "12345678901.dkr.ecr.us-east-1.amazonaws.com")]
    [InlineData("account of letters", "12345678901a.dkr.ecr.us-east-1.amazonaws.com")]
    [InlineData("digits of another script", "١23456789012.dkr.ecr.us-east-1.amazonaws.com")]
    [InlineData("before the account", "evil.123456789012.dkr.ecr.us-east-1.amazonaws.com")]
    [InlineData("below another domain", "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.com")]
    [InlineData("longer domain", "123456789012.dkr.ecr.us-east-1.evilamazonaws.com")]
    [InlineData("another service", "123456789012.dkr.ecx.us-east-1.amazonaws.com")]
    [InlineData("a bucket's name", "123456789012.dkr.ecr.s3.us-east-1.amazonaws.com")]
    [InlineData("no region", "123456789012.dkr.ecr.amazonaws.com")]
    [InlineData("region that is none", "123456789012.dkr.ecr.evil.amazonaws.com")]
    [InlineData("region with a slash", "123456789012.dkr.ecr.us-east-1/.amazonaws.com")]
    [InlineData("Chinese domain, other region", "123456789012.dkr.ecr.us-east-1.amazonaws.com.cn")]
    [InlineData("Chinese region, other domain", "123456789012.dkr.ecr.cn-north-1.amazonaws.com")]
    [InlineData("port", "123456789012.dkr.ecr.us-east-1.amazonaws.com:443")]
    [InlineData("line end", "123456789012.dkr.ecr.us-east-1.amazonaws.com\n")]
    [InlineData("below the public one", "evil.public.ecr.aws")]
    [InlineData("longer public one", "evilpublic.ecr.aws")]
    [InlineData("the public one with a port", "public.ecr.aws:443")]
    [InlineData("dot that is any character", "123456789012.dkrxecr.us-east-1.amazonaws.com")]
    [InlineData("nothing", "")]
    public void Ecr_is_nobody_else(string name, string host) => Assert.True(CloudRegistryHosts.FindEcr(host) is null, name);

    [Theory]
    [InlineData("acme.azurecr.io", "https://management.azure.com/.default")]
    [InlineData("acme-d4h8.azurecr.io", "https://management.azure.com/.default")]
    [InlineData("acme.azurecr.cn", "https://management.chinacloudapi.cn/.default")]
    [InlineData("acme.azurecr.us", "https://management.usgovcloudapi.net/.default")]
    public void Acr_is_known_with_its_cloud(string host, string scope) => Assert.Equal(scope, CloudRegistryHosts.FindAcrScope(host));

    [Theory]
    [InlineData("no dot before", "evilazurecr.io")]
    [InlineData("the domain alone", "azurecr.io")]
    [InlineData("two labels", "a.b.azurecr.io")]
    [InlineData("its blobs", "acme.westeurope.data.azurecr.io")]
    [InlineData("empty label", ".azurecr.io")]
    [InlineData("below another domain", "acme.azurecr.io.evil.com")]
    [InlineData("another country", "acme.azurecr.de")]
    [InlineData("port", "acme.azurecr.io:443")]
    [InlineData("line end", "acme.azurecr.io\n")]
    [InlineData("upper case", "acme.AZURECR.io")]
    [InlineData("dot that is any character", "acme.azurecrxio")]
    [InlineData("dot that is any character", "acmexazurecr.io")]
    [InlineData("dash at its end", "acme-.azurecr.io")]
    [InlineData("user", "evil.com@acme.azurecr.io")]
    [InlineData("longer than a label", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.azurecr.io")]
    [InlineData("nothing", "")]
    public void Acr_is_nobody_else(string name, string host) => Assert.True(CloudRegistryHosts.FindAcrScope(host) is null, name);
}
