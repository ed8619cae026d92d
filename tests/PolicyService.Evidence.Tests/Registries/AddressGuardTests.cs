using System.Net;
using PolicyService.Evidence.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Where a registry may not lead to (ATTACK 80).</summary>
[Trait("attack", "80")]
public sealed class AddressGuardTests
{
    private static readonly Uri Public = new("https://registry.example.com/v2/");
    private static readonly Uri Local = new("http://registry.internal:5000/v2/");

    [Theory]
    [InlineData("Reserved", "169.254.169.254", "169.254.0.0", "169.254.255.255", "168.63.129.16", "100.100.100.200", "0.0.0.0", "0.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255")]
    [InlineData("Reserved", "::", "::2", "fe80::1", "febf:ffff::1", "ff02::1", "fd00:ec2::254", "fe80::1%1")]
    [InlineData("Reserved", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:0:169.254.169.254", "::ffff:0.0.0.0")]
    [InlineData("Private", "10.0.0.0", "10.255.255.255", "127.0.0.1", "127.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.0", "100.127.255.255")]
    [InlineData("Private", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "192.88.99.1")]
    [InlineData("Private", "::1", "fc00::1", "fd12:3456::1", "fdff:ffff::1", "fec0::1", "100::1", "2001::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "64:ff9b:1::1", "4000::1", "1::1", "64:ff9b::1:a9fe:a9fe")]
    [InlineData("Private", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:c0a8:1::1", "::8.8.8.8", "::ffff:0:8.8.8.8")]
    [InlineData("Public", "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "198.17.255.255", "198.20.0.0")]
    [InlineData("Public", "2606:4700::1111", "2001:4860:4860::8888", "2001:200::1", "3fff:1000::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1")]
    public void Address_is_of_its_kind(string kind, params string[] addresses) =>
        Assert.All(addresses, address => Assert.Equal(kind, AddressKinds.Of(IPAddress.Parse(address)).ToString()));

    [Theory]
    [InlineData("https://127.0.0.1/token")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://2852039166/token")]
    [InlineData("https://0xA9FEA9FE/token")]
    [InlineData("https://0251.0376.0251.0376/token")]
    [InlineData("https://169.254.43518/token")]
    [InlineData("https://0x7f.1/token")]
    [InlineData("https://169.254.169.254./token")]
    [InlineData("https://１６９.２５４.１６９.２５４/token")]
    [InlineData("https://169。254。169。254/token")]
    [InlineData("https://%31%36%39.254.169.254/token")]
    [InlineData("https://[::1]/token")]
    [InlineData("https://[::ffff:169.254.169.254]/token")]
    [InlineData("https://[fe80::1%25eth0]/token")]
    [InlineData("https://[fe80::1%1]/token")]
    [InlineData("https://[64:ff9b::a9fe:a9fe]/token")]
    [InlineData("https://user@auth.example.com/token")]
    [InlineData("https://user:secret@auth.example.com/token")]
    [InlineData("http://auth.example.com/token")]
    [InlineData("ftp://auth.example.com/token")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://auth.example.com/token")]
    public void Url_is_refused_as_it_stands(string url) =>
        Assert.False(Uri.TryCreate(url, UriKind.Absolute, out var parsed) && new AddressGuard(Public, [], null).Permits(parsed), url);

    [Theory]
    [InlineData("https://auth.example.com/token")]
    [InlineData("https://8.8.8.8/token")]
    [InlineData("https://[2606:4700::1111]/token")]
    public void Url_of_the_public_is_permitted(string url) => Assert.True(new AddressGuard(Public, [], null).Permits(new Uri(url)));

    [Fact]
    public void Plain_http_is_for_a_registry_that_has_nothing_better()
    {
        Assert.True(new AddressGuard(Local, [], null).Permits(new Uri("http://auth.example.com/token")));
        Assert.True(new AddressGuard(Local, [], null).Permits(new Uri("https://auth.example.com/token")));
        Assert.False(new AddressGuard(Local, [], null).Permits(new Uri("ftp://auth.example.com/token")));
    }

    [Theory]
    [InlineData(true, "http://registry.internal:5000/elsewhere")]
    [InlineData(true, "http://REGISTRY.internal:5000/v2/")]
    [InlineData(false, "https://registry.internal:5000/v2/")]
    [InlineData(false, "http://registry.internal:5001/v2/")]
    [InlineData(false, "http://registry.internal/v2/")]
    [InlineData(false, "http://other.internal:5000/v2/")]
    [InlineData(false, "http://registry.internal.:5000/v2/")]
    public void Own_is_what_has_its_scheme_and_host_and_port(bool expected, string url) => Assert.Equal(expected, new AddressGuard(Local, [], null).IsOwn(new Uri(url)));

    [Theory]
    // The registry's own host and port, wherever it is.
    [InlineData(true, "registry.internal", 5000, "10.0.0.1")]
    [InlineData(true, "registry.internal", 5000, "127.0.0.1")]
    [InlineData(false, "registry.internal", 5001, "10.0.0.1")]
    [InlineData(false, "other.internal", 5000, "10.0.0.1")]
    [InlineData(false, "registry.internal", 5000, "169.254.169.254")]
    [InlineData(false, "registry.internal", 5000, "fe80::1")]
    [InlineData(false, "registry.internal", 5000, "0.0.0.0")]
    // What is listed.
    [InlineData(true, "minio.internal", 9000, "10.0.0.1")]
    [InlineData(false, "minio.internal", 9001, "10.0.0.1")]
    [InlineData(true, "link.internal", 1, "169.254.1.1")]
    [InlineData(true, "::1", 7000, "::1")]
    [InlineData(false, "::1", 7001, "::1")]
    // Anybody.
    [InlineData(true, "cdn.example.com", 443, "8.8.8.8")]
    public void Host_is_permitted_at_an_address(bool expected, string host, int port, string address) =>
        Assert.Equal(expected, new AddressGuard(Local, ["minio.internal:9000", "link.internal", "[::1]:7000"], null).Permits(host, port, IPAddress.Parse(address)));
}
