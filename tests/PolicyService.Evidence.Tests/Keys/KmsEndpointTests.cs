using PolicyService.Evidence.Keys;

namespace PolicyService.Evidence.Tests.Keys;

public sealed class KmsEndpointTests
{
    [Theory]
    [InlineData("https://cloudkms.googleapis.com", "https://cloudkms.googleapis.com/", false)]
    [InlineData("https://kms.example.com:8443/base", "https://kms.example.com:8443/base/", false)]
    [InlineData("https://127.0.0.1:1", "https://127.0.0.1:1/", false)]
    [InlineData("http://127.0.0.1:8080", "http://127.0.0.1:8080/", true)]
    [InlineData("http://[::1]:8080/", "http://[::1]:8080/", true)]
    [InlineData("http://localhost:8080", "http://localhost:8080/", true)]
    public void TryParse_takes(string text, string url, bool withoutCredentials)
    {
        Assert.True(KmsEndpoint.TryParse(text, out var endpoint));
        Assert.Equal((url, withoutCredentials), (endpoint.ToString(), endpoint.IsWithoutCredentials));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cloudkms.googleapis.com")]
    [InlineData("http://cloudkms.googleapis.com")]
    [InlineData("http://10.0.0.1:8080")]
    [InlineData("http://127.0.0.1.example.com")]
    [InlineData("http://localhost.example.com")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("https://user:secret@kms.example.com")]
    [InlineData("https://kms.example.com/?key=1")]
    [InlineData("https://kms.example.com/#1")]
    public void TryParse_refuses(string? text) => Assert.False(KmsEndpoint.TryParse(text, out _));
}
