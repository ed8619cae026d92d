using PolicyService.Api.Clients;

namespace PolicyService.Cli.Tests.Clients;

public sealed class PolicyDecisionChannelTests
{
    public static TheoryData<string, string?> Rejected => new()
    {
        { "missing", null },
        { "empty", "" },
        { "no scheme", "127.0.0.1:50051" },
        { "another scheme", "ftp://127.0.0.1:50051" },
        { "a path", "http://127.0.0.1:50051/v1" },
        { "a query", "http://127.0.0.1:50051/?x" },
        { "a fragment", "http://127.0.0.1:50051/#x" },
        { "credentials", "http://user:secret@127.0.0.1:50051" },
        { "a port out of range", "http://127.0.0.1:70000" },
    };

    [Theory, MemberData(nameof(Rejected))]
    public void TryParseUrl_rejects(string name, string? text)
    {
        Assert.False(PolicyDecisionChannel.TryParseUrl(text, out var url), name);
        Assert.Null(url);
    }

    [Theory]
    [InlineData("http://127.0.0.1:50051")]
    [InlineData("http://[::1]:50051/")]
    [InlineData("https://policy.example.com")]
    public void TryParseUrl_reads(string text) => Assert.True(PolicyDecisionChannel.TryParseUrl(text, out _));
}
