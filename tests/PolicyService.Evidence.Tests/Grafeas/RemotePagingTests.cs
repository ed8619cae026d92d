using System.Text.Json.Nodes;
using PolicyService.Core;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>Lists of somebody else: bounded, and whatever is not read is an error and never "none" (ATTACK 78).</summary>
public sealed class RemotePagingTests : IAsyncDisposable
{
    private const string Denied = "Deny: DeniedByAttestor NO_ATTESTATION";
    private const string Limit = "Deny: EvidenceLimit OCCURRENCES_PER_DIGEST";

    private readonly RemoteBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Questions_are_the_two_lists_of_the_API()
    {
        await _bench.AnswerAsync();

        var call = Assert.Single(_bench.StandIn.Calls);
        Assert.Equal(("GET", $"/v1/{RemoteBench.Note}/occurrences"), (call.Method, call.Path));
        Assert.Equal($"has_suffix(resourceUrl, \"{Attestations.Image}\")", call.Query["filter"]);
        Assert.Equal(["filter", "pageSize"], call.Query.Keys.Order(StringComparer.Ordinal));
    }

    [Theory, Trait("attack", "78")]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task All_pages_are_read_whatever_their_length(int pageSize)
    {
        _bench.StandIn.MaxPage = pageSize;
        for (var number = 0; number < 6; number++)
        {
            _bench.Add(key: new TestKey());
        }

        _bench.Add();

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
        Assert.Equal((7 + pageSize - 1) / pageSize, _bench.StandIn.Calls.Count);
    }

    [Theory, Trait("attack", "78")]
    [InlineData("the same token for ever", "a", "a")]
    [InlineData("two tokens in turn", "ab", "ba")]
    public async Task Token_that_repeats_ends_the_list_with_an_error(string name, string first, string second)
    {
        _bench.StandIn.Body = call => Page(call.Token == first ? second : first);

        Assert.True("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:CIRCULAR" == await _bench.AnswerAsync(), name);
        Assert.InRange(_bench.StandIn.Calls.Count, 2, 3);
    }

    [Fact, Trait("attack", "78")]
    public async Task Empty_pages_with_a_next_token_are_followed()
    {
        var real = RemoteBench.Occurrence(_bench.Evaluation.Key);
        _bench.StandIn.Body = call => call.Token switch { "" => Page("2"), "2" => """{"nextPageToken": "3"}""", "3" => Page("4"), _ => Page("", real) };

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
        Assert.Equal(4, _bench.StandIn.Calls.Count);
    }

    [Theory, Trait("attack", "78")]
    [InlineData(Limits.OccurrenceListPages, Denied)]
    [InlineData(Limits.OccurrenceListPages + 1, Limit)]
    public async Task Pages_are_limited(int pages, string answer)
    {
        _bench.StandIn.Body = call => Page(call.Token == $"{pages}" ? "" : $"{(call.Token.Length == 0 ? 2 : Number(call.Token) + 1)}");

        Assert.Equal(answer, await _bench.AnswerAsync());
        Assert.Equal(Math.Min(pages, Limits.OccurrenceListPages), _bench.StandIn.Calls.Count);
    }

    [Fact, Trait("attack", "78")]
    public async Task Endless_list_is_beyond_the_limit_and_not_none()
    {
        _bench.StandIn.Body = call => Page($"{call.Token}x");
        Assert.Equal(Limit, await _bench.AnswerAsync());
    }

    [Theory, Trait("attack", "78")]
    [InlineData(Limits.SignaturesPerDigest, "Deny: DeniedByAttestor KEY_UNKNOWN")]
    [InlineData(Limits.SignaturesPerDigest + 1, Limit)]
    public async Task Entries_are_limited(int entries, string answer)
    {
        var other = new TestKey();
        var text = RemoteBench.Occurrence(other);
        text["name"] = "projects/acme/occurrences/1";
        _bench.StandIn.Body = call => $$"""{"occurrences": [{{string.Join(",", Enumerable.Repeat(text.ToJsonString(), entries))}}]}""";

        Assert.Equal(answer, await _bench.AnswerAsync());
    }

    [Fact, Trait("attack", "78")]
    public async Task Good_attestation_within_the_limit_counts_although_there_is_more()
    {
        var (good, other) = (RemoteBench.Occurrence(_bench.Evaluation.Key), RemoteBench.Occurrence(new TestKey()));
        _bench.StandIn.Body = _ => $$"""{"occurrences": [{{good.ToJsonString()}},{{string.Join(",", Enumerable.Repeat(other.ToJsonString(), Limits.SignaturesPerDigest))}}]}""";

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
    }

    [Theory, Trait("attack", "78")]
    [InlineData(0, Denied)]
    [InlineData(1, Limit)]
    public async Task Bytes_of_all_pages_together_are_limited(int beyond, string answer)
    {
        const int First = 5 * 1024 * 1024;
        var second = Page("");
        _bench.StandIn.Body = call => call.Token.Length == 0
            ? Filled(Page("2"), First)
            : Filled(second, Limits.OccurrenceListBytes - First + beyond);

        Assert.Equal(answer, await _bench.AnswerAsync());

        static string Filled(string text, int length) => text + new string(' ', length - text.Length);
    }

    [Fact, Trait("attack", "78")]
    public async Task Answer_without_end_is_beyond_the_limit()
    {
        _bench.StandIn.Fault = ContainerAnalysisFault.Endless;
        Assert.Equal(Limit, await _bench.AnswerAsync());
    }

    [Fact]
    public async Task Headers_without_end_are_an_error_or_beyond_the_limit()
    {
        _bench.StandIn.Fault = ContainerAnalysisFault.HugeHeaders;
        Assert.Equal(Limit, await _bench.AnswerAsync());
    }

    [Theory, Trait("attack", "78")]
    [InlineData(0, Denied)]
    [InlineData(1, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:MALFORMED")]
    public async Task Tokens_are_limited(int beyond, string answer)
    {
        var token = new string('t', Limits.PageTokenBytes + beyond);
        _bench.StandIn.Body = call => Page(call.Token.Length == 0 ? token : "");

        Assert.Equal(answer, await _bench.AnswerAsync());
    }

    [Theory, Trait("attack", "78"), Trait("attack", "83")]
    [InlineData(true, "Allow: Attested")]
    [InlineData(false, "Deny: EvidenceUnavailable CONTAINER_ANALYSIS:PERMISSION_DENIED")]
    public async Task Second_page_that_fails_takes_nothing_from_the_first_and_leaves_no_absence(bool isOnFirst, string answer)
    {
        var real = RemoteBench.Occurrence(isOnFirst ? _bench.Evaluation.Key : new TestKey());
        _bench.StandIn.Body = _ => Page("2", real);
        _bench.StandIn.FaultOf = call => call.Token.Length > 0 ? ContainerAnalysisFault.Forbidden : ContainerAnalysisFault.None;

        Assert.Equal(answer, await _bench.AnswerAsync());
    }

    [Theory, Trait("attack", "78")]
    [InlineData("null", """{"occurrences": null, "nextPageToken": null}""")]
    [InlineData("left out", "{}")]
    [InlineData("with fields of the future", """{"occurrences": [], "nextPageToken": "", "totalSize": 0, "unreachable": []}""")]
    public async Task Empty_list_is_none(string name, string body)
    {
        _bench.StandIn.Body = _ => body;
        Assert.True(Denied == await _bench.AnswerAsync(), name);
    }

    private static int Number(string token) => int.Parse(token, System.Globalization.CultureInfo.InvariantCulture);

    private static string Page(string next, params JsonObject[] occurrences) =>
        $$"""{"occurrences": [{{string.Join(",", occurrences.Select(one => one.ToJsonString()))}}], "nextPageToken": "{{next}}"}""";
}
