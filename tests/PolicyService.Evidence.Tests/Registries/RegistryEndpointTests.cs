using System.Net;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Where a registry is asked, and through what. The proxy of the environment is the whole process's: nothing else runs meanwhile.</summary>
[Collection(nameof(ProxyOfTheProcess)), Trait("attack", "80")]
public sealed class RegistryEndpointTests
{
    [Theory]
    [InlineData("docker.io", false, "https://registry-1.docker.io/v2/")]
    [InlineData("docker.io", true, "http://registry-1.docker.io/v2/")]
    [InlineData("registry-1.docker.io", false, "https://registry-1.docker.io/v2/")]
    [InlineData("mirror.docker.io", false, "https://mirror.docker.io/v2/")]
    [InlineData("registry.example.com:5000", false, "https://registry.example.com:5000/v2/")]
    [InlineData("10.0.0.1:5000", true, "http://10.0.0.1:5000/v2/")]
    public void Host_answers_at(string host, bool isInsecure, string url)
    {
        var options = new RegistryOptions(host, isInsecure, [], RegistryCredentials.None, []);
        var endpoint = new RegistryEndpoint(options, host, new HostLimits(new SemaphoreSlim(1), TimeProvider.System), new RegistryAuthorities(null), (_, _, _, _) => default, TimeSpan.FromSeconds(2), new RegistryMetrics(), TimeProvider.System);
        using (endpoint.Http)
        {
            Assert.Equal((host, url), (endpoint.Host, endpoint.Url.AbsoluteUri));
        }
    }

    [Theory]
    [InlineData("https://registry.example.com/v2/", true)]
    [InlineData("https://inside.example.com/v2/", false)]
    [InlineData("http://registry.example.com/v2/", false)]
    public void Proxy_of_the_environment_is_for_https_and_not_for_what_it_leaves_out(string url, bool isProxied)
    {
        var proxy = new HttpsProxy(new WebProxy("http://proxy.example.com:3128", BypassOnLocal: false, ["inside\\.example\\.com"]));
        Assert.Equal((isProxied ? "http://proxy.example.com:3128/" : null, !isProxied), (proxy.GetProxy(new Uri(url))?.AbsoluteUri, proxy.IsBypassed(new Uri(url))));
    }

    [Fact]
    public async Task Registry_is_asked_through_the_proxy_of_the_environment_wherever_that_is()
    {
        // Its address is a private one. It opens no way, so that whoever is asked without it is asked in vain.
        await using var proxy = new HostileRegistry().With(_ => HostileAnswer.Of(403));
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy(proxy.Url);
        try
        {
            await using var bench = new RegistryBench();
            var secure = new RegistryRepository(new RegistryOptions("registry.example.com", false, [], RegistryCredentials.None, []), "acme/api");
            Assert.Equal("Connection", RegistryBench.Text(await bench.Client.GetManifestAsync(secure, "v1", fromOrigin: false, TestContext.Current.CancellationToken)));
            Assert.Equal(("CONNECT", "registry.example.com:443", (string?)null), Assert.Single(proxy.Calls) is var call ? (call.Method, call.Target, call.Authorization) : default);

            bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
            Assert.Equal("hello", await bench.ManifestAsync());
            Assert.Single(proxy.Calls);
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }
}

/// <summary>Tests that change what the whole process uses run alone.</summary>
[CollectionDefinition(nameof(ProxyOfTheProcess), DisableParallelization = true)]
public sealed class ProxyOfTheProcess;
