using System.Net;
using System.Text.Json;

namespace PolicyService.Server.Tests.Rest;

public sealed class NoStoreTests
{
    [Theory]
    [InlineData("/v1/projects/acme/policy")]
    [InlineData("/v1beta1/projects/acme/attestors")]
    [InlineData("/v1alpha2/locations/global/policy")]
    public async Task Service_without_a_store_says_so_and_decides_all_the_same(string path)
    {
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));

        using var reply = await server.Http.GetAsync(path, TestContext.Current.CancellationToken);
        var error = JsonSerializer.Deserialize<JsonElement>(await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).GetProperty("error");

        Assert.Equal((HttpStatusCode.BadRequest, "FAILED_PRECONDITION"), (reply.StatusCode, error.GetProperty("status").GetString()));
        Assert.Contains("--Store:Path", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(Api.V1.Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }
}
