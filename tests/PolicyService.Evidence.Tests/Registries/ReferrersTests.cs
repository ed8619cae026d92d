using PolicyService.Core;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Lists of referrers end, and nothing but a clean end is "none" (ATTACK 78).</summary>
[Trait("attack", "78")]
public sealed class ReferrersTests : IAsyncDisposable
{
    private readonly RegistryBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    private static string Subject => $"{RegistryBench.DigestOf("hello")}";

    private static string ListPath => $"/v2/acme/api/referrers/{Subject}";

    private static string TagPath => $"/v2/acme/api/manifests/{Subject.Replace(':', '-')}";

    [Fact]
    public async Task List_is_read_page_for_page()
    {
        _bench.Registry.Answer = call => call.Target == ListPath ? Page(["a"], $"{ListPath}?last=a&n=1")
            : call.Target == $"{ListPath}?last=a&n=1" ? Page(["b"], $"{_bench.Registry.Url}{ListPath}?last=b")
            : call.Target == $"{ListPath}?last=b" ? Page(["c"], "")
            : null;
        Assert.Equal("a b c cut=False None", Text(await _bench.ReferrersAsync()));
        Assert.Equal(3, _bench.Registry.Calls.Count);
    }

    [Fact]
    public async Task Empty_list_is_cleanly_none()
    {
        _bench.Registry.Answer = _ => Page([], "");
        Assert.Equal(" cut=False None", Text(await _bench.ReferrersAsync()));
        Assert.Single(_bench.Registry.Calls);
    }

    [Theory]
    [InlineData(404, "<html>")]
    [InlineData(404, "{\"errors\": [{\"code\": \"MANIFEST_UNKNOWN\"}]}")]
    [InlineData(405, "")]
    [InlineData(501, "")]
    public async Task Registry_without_the_list_has_a_tag_or_none(int status, string body)
    {
        _bench.Registry.Answer = call => call.Target == ListPath ? HostileAnswer.Of(status, body) : call.Target == TagPath ? Page(["a"], "") : null;
        Assert.Equal("a cut=False None", Text(await _bench.ReferrersAsync()));
        Assert.Equal(2, _bench.Registry.Calls.Count);

        _bench.Registry.Answer = call => call.Target == ListPath ? HostileAnswer.Of(status, body) : null;
        Assert.Equal(" cut=False None", Text(await _bench.ReferrersAsync()));
        _bench.Registry.Answer = call => call.Target == ListPath ? HostileAnswer.Of(status, body) : HostileAnswer.Error(404, "NAME_UNKNOWN");
        Assert.Equal(" cut=False NotFound", Text(await _bench.ReferrersAsync()));
        _bench.Registry.Answer = call => call.Target == ListPath ? HostileAnswer.Of(status, body) : HostileAnswer.Of(403);
        Assert.Equal(" cut=False PermissionDenied", Text(await _bench.ReferrersAsync()));
    }

    [Theory]
    [InlineData("http://xn--\u00fc/list")]
    [InlineData("http://\u00e4\u0080/list")]
    [InlineData("http://\u00ad/list")]
    public async Task Next_page_at_a_name_that_is_none_is_refused(string next)
    {
        _bench.Registry.Answer = _ => Page(["a"], next);
        Assert.Equal("a cut=False RedirectRefused", Text(await _bench.ReferrersAsync()));
        Assert.Single(_bench.Registry.Calls);
    }

    [Theory, Trait("attack", "83")]
    [InlineData(401, "", "Unauthenticated")]
    [InlineData(403, "", "PermissionDenied")]
    [InlineData(429, "", "RateLimited")]
    [InlineData(500, "", "ServerError")]
    [InlineData(200, "<html>", "Malformed")]
    [InlineData(200, "{}", "Malformed")]
    public async Task Failure_is_no_absence_on_any_page(int status, string body, string failure)
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(status, body);
        Assert.Equal($" cut=False {failure}", Text(await _bench.ReferrersAsync()));
        foreach (var first in (string[][])[["a"], []])
        {
            _bench.Registry.Answer = call => call.Target == ListPath ? Page(first, "?last=a") : HostileAnswer.Of(status, body);
            Assert.Equal($"{string.Concat(first)} cut=False {failure}", Text(await _bench.ReferrersAsync()));
        }
    }

    [Theory]
    [InlineData(404)]
    [InlineData(405)]
    public async Task Later_page_that_is_not_there_is_a_failure(int status)
    {
        _bench.Registry.Answer = call => call.Target == ListPath ? Page([], "?last=a") : HostileAnswer.Error(status, "MANIFEST_UNKNOWN");
        Assert.NotEqual(RemoteFailure.None, (await _bench.ReferrersAsync()).Failure);
        Assert.Equal(2, _bench.Registry.Calls.Count);
    }

    [Theory]
    [InlineData("?last=a", "Circular", 2)]
    [InlineData("", "Circular", 1)]
    public async Task Page_that_came_before_ends_the_list(string query, string failure, int calls)
    {
        _bench.Registry.Answer = _ => Page([], $"{ListPath}{query}");
        Assert.Equal($" cut=False {failure}", Text(await _bench.ReferrersAsync()));
        Assert.Equal(calls, _bench.Registry.Calls.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pages_without_end_are_cut(bool isEmpty)
    {
        var number = 0;
        _bench.Registry.Answer = _ => Page(isEmpty ? [] : [$"{number}"], $"{ListPath}?last={number++}");
        var outcome = await _bench.ReferrersAsync();
        Assert.Equal((true, RemoteFailure.None, isEmpty ? 0 : Limits.ReferrersPages), (outcome.IsCut, outcome.Failure, outcome.Descriptors.Count));
        Assert.Equal(Limits.ReferrersPages, _bench.Registry.Calls.Count);
    }

    [Fact]
    public async Task List_is_cut_by_its_bytes_and_its_entries()
    {
        var number = 0;
        _bench.Registry.Answer = _ => Page([], $"{ListPath}?last={number++}", padding: Limits.ManifestBytes - 200);
        Assert.True((await _bench.ReferrersAsync()).IsCut);
        Assert.InRange(_bench.Registry.Calls.Count, 4, 6);

        _bench.Registry.Answer = call => Page([.. Enumerable.Range(0, 600).Select(entry => $"{call.Target}{entry}")], call.Target == ListPath ? "?last=1" : "");
        var outcome = await _bench.ReferrersAsync();
        Assert.Equal((true, Limits.OciEntries), (outcome.IsCut, outcome.Descriptors.Count));

        _bench.Registry.Answer = _ => Page([.. Enumerable.Range(0, Limits.OciEntries + 1).Select(entry => $"{entry}")], "");
        outcome = await _bench.ReferrersAsync();
        Assert.Equal((true, Limits.OciEntries), (outcome.IsCut, outcome.Descriptors.Count));

        _bench.Registry.Answer = _ => Page([], "", padding: Limits.ManifestBytes);
        Assert.True((await _bench.ReferrersAsync()).IsCut);
    }

    [Theory, Trait("attack", "80")]
    [InlineData("http://169.254.169.254/v2/acme/api/referrers/")]
    [InlineData("{other}{list}?last=1")]
    [InlineData("/v2/acme/secret/referrers/{subject}?last=1")]
    [InlineData("{list}/../../../secret/referrers/{subject}?last=1")]
    [InlineData("/v2/_catalog")]
    [InlineData("https://{host}{list}?last=1")]
    [InlineData("http://user:secret@{host}{list}?last=1")]
    [InlineData("{list}?last={long}")]
    public async Task Next_page_is_of_the_same_list(string target)
    {
        var other = _bench.Other(_ => Page(["evil"], ""));
        var link = target.Replace("{other}", other.Url, StringComparison.Ordinal).Replace("{host}", _bench.Registry.Host, StringComparison.Ordinal)
            .Replace("{list}", ListPath, StringComparison.Ordinal).Replace("{subject}", Subject, StringComparison.Ordinal)
            .Replace("{long}", new string('x', Limits.PageTokenBytes), StringComparison.Ordinal);
        _bench.Registry.Answer = _ => Page(["a"], link);
        Assert.Equal("a cut=False RedirectRefused", Text(await _bench.ReferrersAsync()));
        Assert.Empty(other.Calls);
        Assert.Single(_bench.Registry.Calls);
    }

    [Fact]
    public async Task Next_page_that_cannot_be_read_is_malformed()
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, Index([]), "link: /v2/next; rel=next");
        Assert.Equal(" cut=False Malformed", Text(await _bench.ReferrersAsync()));
    }

    [Fact]
    public async Task Mirrors_empty_list_sends_us_on_and_one_with_entries_does()
    {
        var mirror = _bench.Other(_ => Page([], ""));
        _bench.Mirrors = [mirror.Host];
        _bench.Registry.Answer = _ => Page(["origin"], "");
        Assert.Equal("origin cut=False None", Text(await _bench.ReferrersAsync()));
        mirror.Answer = _ => Page(["mirror"], "");
        Assert.Equal("mirror cut=False None", Text(await _bench.ReferrersAsync()));
        Assert.Equal("origin cut=False None", Text(await _bench.ReferrersAsync(fromOrigin: true)));
    }

    private static string Text(ReferrersOutcome outcome) => $"{string.Join(' ', outcome.Descriptors.Select(one => one.ArtifactType))} cut={outcome.IsCut} {outcome.Failure}";

    private static HostileAnswer Page(string[] entries, string next, int padding = 0) =>
        HostileAnswer.Of(200, Index(entries) + new string(' ', padding), ["content-type: application/vnd.oci.image.index.v1+json", .. next.Length == 0 ? (string[])[] : [$"link: <{next}>; rel=\"next\""]]);

    private static string Index(string[] entries) =>
        $$"""{"schemaVersion": 2, "manifests": [{{string.Join(',', entries.Select(entry => $$"""{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "{{RegistryBench.DigestOf(entry)}}", "size": 1, "artifactType": "{{entry}}"}"""))}}]}""";
}
