using System.Text.Json;
using System.Text.Json.Nodes;
using PolicyService.Core.Documents;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Rest;

/// <summary>
/// Every request of one run of the real gcloud, in its order, answered as an independent stub answered it (tests/testdata/gcloud). Only what
/// a server chooses by itself is made alike: times, etags, tokens, ids of occurrences, and words for people.
/// </summary>
public sealed class ReplayTests(RestServer rest) : IClassFixture<RestServer>
{
    /// <summary>
    /// The one exchange whose answer differs: the attested digest in another repository. The stub compares names; an attestation covers its digest
    /// in any repository (SEMANTICS section 1). The whole is NON_CONFORMANT to both, by another check.
    /// </summary>
    private const int SameDigestElsewhere = 117;

    private static readonly string[] Chosen = ["updateTime", "createTime", "etag", "nextPageToken"];

    /// <summary>Words for people; and an account of Google's that we have not.</summary>
    private static readonly string[] Passed = ["explanation", "denialReason", "delegationServiceAccountEmail", "message", "details"];

    /// <summary>The stub's etags and tokens, and ours in their place.</summary>
    private readonly Dictionary<string, string> _ours = new(StringComparer.Ordinal);

    [Fact]
    public async Task Requests_of_gcloud_are_answered_as_the_stub_answered_them()
    {
        await rest.Store.PutAsync(
            DocumentKey.Of(StoredKind.SystemPolicy, "locations/global/policy"), """{"admissionWhitelistPatterns": [{"namePattern": "registry.k8s.io/**"}]}""", "", "test", TestContext.Current.CancellationToken);
        var lines = await File.ReadAllLinesAsync(Path.Combine(CaseFolder.Root, "..", "gcloud", "exchanges.jsonl"), TestContext.Current.CancellationToken);
        foreach (var (number, line) in lines.Index())
        {
            var exchange = JsonNode.Parse(line)!.AsObject();
            if (number + 1 == SameDigestElsewhere)
            {
                exchange["answer"]!["results"]![0]!["imageResults"]![1]!["checkSetResult"]!["checkResults"]!["results"]![1]!["evaluationResult"]!["verdict"] = "CONFORMANT";
            }

            await ReplayAsync($"{number + 1}: {exchange["method"]} {exchange["target"]}", exchange);
        }

        Assert.Equal(138, lines.Length);
    }

    private async Task ReplayAsync(string what, JsonObject exchange)
    {
        var (method, target) = (exchange["method"]!.GetValue<string>(), Ours(exchange["target"]!.GetValue<string>()));
        var body = exchange["body"] is { } sent ? Ours(sent.ToJsonString()) : null;
        var expected = Alike(exchange["answer"]!);
        RestReply? reply = null;
        string? actual = null;
        // A write counts for decisions within a second; nothing else is waited for.
        var isDecision = target.Contains(":evaluate", StringComparison.Ordinal);
        await Eventually.Holds(what, async () =>
        {
            reply = await rest.SendAsync(method, target, body);
            actual = Alike(JsonNode.Parse(reply.Text)!);
            return !isDecision || actual == expected;
        });

        Assert.Equal($"{what} {exchange["code"]}", $"{what} {(int)reply!.Code}");
        Assert.Equal($"{what} {expected}", $"{what} {actual}");
        Learn(exchange["answer"]!, JsonNode.Parse(reply.Text)!);
    }

    private string Ours(string text) => _ours.Aggregate(text, (changed, pair) => changed.Replace(pair.Key, pair.Value, StringComparison.Ordinal));

    private void Learn(JsonNode theirs, JsonNode ours)
    {
        if (theirs is JsonObject fields && ours is JsonObject own)
        {
            if (fields["etag"] is JsonValue etag && own["etag"] is JsonValue ownEtag)
            {
                // As a string of JSON; and as bytes, which the client sends back in the other alphabet.
                Add(JsonSerializer.Serialize(etag.GetValue<string>()), JsonSerializer.Serialize(ownEtag.GetValue<string>()));
                Add(etag.ToJsonString(), JsonSerializer.Serialize(ownEtag.GetValue<string>()));
                Add($"\"{etag.GetValue<string>().Replace('+', '-').Replace('/', '_')}\"", JsonSerializer.Serialize(ownEtag.GetValue<string>()));
            }

            if (fields["nextPageToken"] is JsonValue token && own["nextPageToken"] is JsonValue ownToken)
            {
                _ours.Remove($"pageToken={token.GetValue<string>()}");
                Add($"pageToken={token.GetValue<string>()}", $"pageToken={ownToken.GetValue<string>()}");
            }

            foreach (var (name, value) in fields.Where(field => field.Value is not null && own[field.Key] is not null))
            {
                Learn(value!, own[name]!);
            }
        }
        else if (theirs is JsonArray items && ours is JsonArray ownItems)
        {
            foreach (var (item, ownItem) in items.Zip(ownItems))
            {
                Learn(item!, ownItem!);
            }
        }
    }

    private void Add(string theirs, string ours) => _ours[theirs] = ours;

    private static string Alike(JsonNode node) => Normal(node, "")?.ToJsonString() ?? "null";

    private static JsonNode? Normal(JsonNode? node, string name) => node switch
    {
        JsonObject fields => new JsonObject(fields
            .Where(field => !Passed.Contains(field.Key) && !(field.Key == "description" && field.Value?.ToString().StartsWith("NOT IN FORCE", StringComparison.Ordinal) is true)
                // The store says the time and etag of everything; the stub says less of some.
                && !(Chosen.Contains(field.Key) && field.Key is not "nextPageToken"))
            .OrderBy(field => field.Key, StringComparer.Ordinal)
            .Select(field => KeyValuePair.Create(field.Key == "human_readable_name" ? "humanReadableName" : field.Key, Normal(field.Value, field.Key)))),
        JsonArray items => new JsonArray([.. items.Select(item => Normal(item, name))]),
        JsonValue value when Chosen.Contains(name) => value.GetValueKind().ToString(),
        JsonValue value when name is "serializedPayload" or "signature" => ValueParsers.Bytes(value.GetValue<string>(), out var bytes, out _) ? Convert.ToHexString(bytes) : "no bytes",
        JsonValue value when name == "name" && value.GetValue<string>().Contains("/occurrences/", StringComparison.Ordinal) => "an occurrence",
        _ => node?.DeepClone(),
    };
}
