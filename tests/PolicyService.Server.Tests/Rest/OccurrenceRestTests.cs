using System.Net;
using System.Text.Json;

namespace PolicyService.Server.Tests.Rest;

/// <summary>Notes and occurrences of Container Analysis.</summary>
public sealed class OccurrenceRestTests(RestServer rest) : IClassFixture<RestServer>
{
    private static readonly Dictionary<string, string> Others = new(StringComparer.Ordinal)
    {
        ["VULNERABILITY"] = """ "vulnerability": {"severity": "HIGH", "cvssScore": 7.10, "packageIssue": [{"affectedPackage": "p", "fixAvailable": true}], "big": 12345678901234567890} """,
        ["BUILD"] = """ "build": {"provenance": {"id": "b", "buildOptions": {"x": "y"}}, "intotoStatement": {"type": "t"}} """,
        ["DISCOVERY"] = """ "discovery": {"analysisStatus": "FINISHED_SUCCESS"} """,
        ["SBOM_REFERENCE"] = """ "sbomReference": {"payload": {"predicate": {"digest": {"sha256": "aa"}}}} """,
    };

    private readonly string _project = RestServer.NewProject();

    private string Occurrences => $"/v1/projects/{_project}/occurrences";

    private string Note => $"projects/{_project}/notes/build";

    public static TheoryData<string, string> Filters => new()
    {
        { "has_suffix(resourceUrl, \"sha256:abc\")", "half a digest" },
        { "has_suffix(resourceUrl, \"\")", "no digest" },
        { "has_prefix(resourceUrl, \"x\")", "another function" },
        { "has_suffix(noteName, \"" + RouteTable.Digest + "\")", "another field" },
        { "kind=\"ATTESTATION\" OR kind=\"BUILD\"", "OR" },
        { "kind=\"ATTESTATION\" AND", "half an AND" },
        { "kind=\"ATTESTATION\" kind=\"BUILD\"", "nothing between" },
        { "kind=\"ATTESTATION\" AND kind=\"BUILD\"", "a field twice" },
        { "kind=ATTESTATION", "no quotes" },
        { "kind='ATTESTATION'", "other quotes" },
        { "kind=\"ATTESTATION", "no end" },
        { "kind=\"A\\\" OR 1=1\"", "an escape" },
        { "kind=\"A\\B\"", "a backslash" },
        { "NOT kind=\"ATTESTATION\"", "NOT" },
        { "' OR '1'='1", "SQL" },
        { "kind=\"ATTESTATION\"; DROP TABLE occurrences", "more SQL" },
    };

    [Fact]
    public async Task Note_is_made_in_both_forms_of_the_URL_and_given_back()
    {
        var made = await rest.DoAsync("POST", $"/v1/projects/{_project}/notes/?noteId=a", """{"attestation": {"hint": {"human_readable_name": "x"}}}""");
        await rest.DoAsync("POST", $"/v1/projects/{_project}/notes?noteId=b", """{"vulnerability": {"severity": "HIGH"}}""");

        Assert.Equal("ATTESTATION", made["kind"]);
        Assert.Equal("x", made.Body.GetProperty("attestation").GetProperty("hint").GetProperty("humanReadableName").GetString());
        Assert.Equal(made.Text, (await rest.DoAsync("GET", $"/v1/projects/{_project}/notes/a")).Text);
        Assert.Equal(2, (await rest.DoAsync("GET", $"/v1/projects/{_project}/notes")).Body.GetProperty("notes").GetArrayLength());
        Assert.Equal(HttpStatusCode.Conflict, (await rest.SendAsync("POST", $"/v1/projects/{_project}/notes?noteId=a", """{"attestation": {}}""")).Code);
        await rest.DoAsync("DELETE", $"/v1/projects/{_project}/notes/a");
        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync($"/v1/projects/{_project}/notes/a")).Code);
        Assert.Equal(HttpStatusCode.BadRequest, (await rest.SendAsync("POST", $"/v1/projects/{_project}/notes?noteId=c", """{"attestation": {}, "build": {}}""")).Code);
        Assert.Equal(HttpStatusCode.BadRequest, (await rest.SendAsync("POST", $"/v1/projects/{_project}/notes?noteId=c", """{"kind": "BUILD", "attestation": {}}""")).Code);
    }

    [Fact]
    public async Task Attestation_is_stored_whether_it_verifies_or_not_and_never_twice()
    {
        using var signer = await SignerAsync();
        var bad = signer.Occurrence(Ask.Attested).Replace("\"signature\": \"M", "\"signature\": \"N", StringComparison.Ordinal);

        var stored = await rest.DoAsync("POST", Occurrences, bad);
        var again = await rest.SendAsync("POST", Occurrences, bad);

        Assert.StartsWith($"projects/{_project}/occurrences/", stored["name"], StringComparison.Ordinal);
        Assert.Equal(stored.Text, (await rest.DoAsync("GET", $"/v1/{stored["name"]}")).Text);
        Assert.Equal((HttpStatusCode.Conflict, "ALREADY_EXISTS"), (again.Code, again.Status));
        await rest.DoAsync("DELETE", $"/v1/{stored["name"]}");
        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync($"/v1/{stored["name"]}")).Code);
    }

    [Fact, Trait("attack", "15")]
    public async Task Scheme_of_the_resource_makes_no_other_artifact()
    {
        using var signer = await SignerAsync();
        await rest.DoAsync("POST", Occurrences, signer.Occurrence(Ask.Attested));

        // An ECDSA signature made anew would be another one.
        var stored = (await rest.GetAsync(Occurrences)).Body.GetProperty("occurrences")[0];
        var bare = stored.GetRawText().Replace("https://", "", StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.Conflict, (await rest.SendAsync("POST", Occurrences, bare)).Code);
        Assert.Single(await ListAsync($"resourceUrl=\"{Ask.Attested}\""));
        Assert.Single(await ListAsync($"resourceUrl=\"https://{Ask.Attested}\""));
        Assert.Empty(await ListAsync($"resourceUrl=\"{Ask.Attested[..^1]}\""));
    }

    [Fact]
    public async Task Bytes_are_taken_in_either_alphabet_and_given_back_in_one()
    {
        using var signer = await SignerAsync();
        var occurrence = signer.Occurrence(Ask.Attested);
        var url = occurrence.Replace('+', '-').Replace("=\"", "\"", StringComparison.Ordinal).Replace("=\"", "\"", StringComparison.Ordinal);

        var stored = await rest.DoAsync("POST", Occurrences, url);

        var expected = JsonSerializer.Deserialize<JsonElement>(occurrence).GetProperty("attestation");
        Assert.Equal(Payload(expected), Payload(stored.Body.GetProperty("attestation")));

        static string Payload(JsonElement attestation) => attestation.GetProperty("serializedPayload").GetString()!;
    }

    [Theory]
    [InlineData("VULNERABILITY")]
    [InlineData("BUILD")]
    [InlineData("DISCOVERY")]
    [InlineData("SBOM_REFERENCE")]
    public async Task Other_kinds_are_stored_losslessly_and_listed_by_kind(string kind)
    {
        using var signer = await SignerAsync();
        await rest.DoAsync("POST", Occurrences, signer.Occurrence(Ask.Attested));

        var stored = await rest.DoAsync("POST", Occurrences, $$"""{"kind": "{{kind}}", "noteName": "{{Note}}", "resourceUri": "https://{{Ask.Attested}}", {{Others[kind]}} }""");

        var sent = JsonSerializer.Deserialize<JsonElement>($"{{{Others[kind]}}}");
        Assert.All(sent.EnumerateObject(), field => Assert.Equal(Compact(field.Value), Compact(stored.Body.GetProperty(field.Name))));
        Assert.Equal(stored["name"], Assert.Single(await ListAsync($"kind=\"{kind}\"")).GetProperty("name").GetString());
        Assert.Equal(2, (await ListAsync($"resourceUrl=\"https://{Ask.Attested}\"")).Length);
        Assert.Single(await ListAsync($"kind = \"{kind}\" AND resourceUrl = \"{Ask.Attested}\""));

        static string Compact(JsonElement value) => JsonSerializer.Serialize(value);
    }

    [Fact]
    public async Task Lists_are_filtered_by_digest_under_project_and_note()
    {
        using var signer = await SignerAsync();
        await rest.DoAsync("POST", Occurrences, signer.Occurrence(Ask.Attested));
        await rest.DoAsync("POST", Occurrences, signer.Occurrence(Ask.Unattested));
        var digest = Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..];

        Assert.Equal(2, (await ListAsync("")).Length);
        Assert.Single(await ListAsync($"has_suffix(resourceUrl, \"{digest}\")"));
        Assert.Single(await ListAsync($"has_suffix(resourceUrl,\"{digest}\") AND kind=\"ATTESTATION\""));
        Assert.Empty(await ListAsync($"has_suffix(resourceUrl, \"{new string('0', 64).Insert(0, "sha256:")}\")"));
        Assert.Equal(2, (await rest.DoAsync("GET", $"/v1/{Note}/occurrences?filter=")).Body.GetProperty("occurrences").GetArrayLength());
        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync($"/v1/projects/{_project}/notes/ghost/occurrences")).Code);
    }

    [Theory, MemberData(nameof(Filters))]
    public async Task Filter_that_is_not_understood_is_refused_by_name(string filter, string why)
    {
        var reply = await rest.GetAsync($"{Occurrences}?filter={Uri.EscapeDataString(filter)}");

        Assert.True(reply.Code == HttpStatusCode.BadRequest, why);
        Assert.Equal(["filter"], reply.Fields);
    }

    [Fact]
    public async Task Occurrence_of_an_unknown_note_is_NOT_FOUND()
    {
        using var signer = new Signer("build", _project);

        Assert.Equal(HttpStatusCode.NotFound, (await rest.SendAsync("POST", Occurrences, signer.Occurrence(Ask.Attested))).Code);
    }

    [Fact]
    public async Task Paging_shows_each_once_and_the_token_is_good_for_its_list_alone()
    {
        using var signer = await SignerAsync();
        for (var index = 0; index < 5; index++)
        {
            await rest.DoAsync("POST", Occurrences, signer.Occurrence($"gcr.io/acme/api@sha256:{index.ToString("x64", System.Globalization.CultureInfo.InvariantCulture)}"));
        }

        var (seen, token) = (new List<string>(), "");
        do
        {
            var page = (await rest.DoAsync("GET", $"{Occurrences}?pageSize=2&pageToken={token}")).Body;
            Assert.InRange(page.GetProperty("occurrences").GetArrayLength(), 1, 2);
            seen.AddRange(page.GetProperty("occurrences").EnumerateArray().Select(one => one.GetProperty("name").GetString()!));
            token = page.TryGetProperty("nextPageToken", out var next) ? next.GetString()! : "";
            if (token.Length > 0)
            {
                Assert.Equal(["pageToken"], (await rest.GetAsync($"{Occurrences}?filter=kind%3D%22BUILD%22&pageToken={token}")).Fields);
                Assert.Equal(["pageToken"], (await rest.GetAsync($"/v1/projects/other/occurrences?pageToken={token}")).Fields);
            }
        }
        while (token.Length > 0);

        Assert.Equal(5, seen.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(5, seen.Count);
    }

    [Theory]
    [InlineData("pageSize=-1", "pageSize")]
    [InlineData("pageSize=x", "pageSize")]
    [InlineData("pageSize=99999999999", "pageSize")]
    [InlineData("page_size=-1", "pageSize")]
    [InlineData("pageSize=1&pageSize=2", "pageSize")]
    [InlineData("pageToken=nonsense", "pageToken")]
    [InlineData("filter=&filter=", "filter")]
    public async Task Parameter_that_cannot_be_meant_is_refused_by_name(string query, string field)
    {
        var reply = await rest.GetAsync($"{Occurrences}?{query}");

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Equal([field], reply.Fields);
    }

    [Theory]
    [InlineData("pageSize=0")]
    [InlineData("pageSize=1000000")]
    [InlineData("alt=json&$.xgafv=2&prettyPrint=true&fields=a&key=k&quotaUser=x")]
    public async Task Parameter_beyond_the_bounds_clamps_and_unknown_ones_are_passed_over(string query) => await rest.DoAsync("GET", $"{Occurrences}?{query}");

    private async Task<Signer> SignerAsync()
    {
        var signer = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        return signer;
    }

    private async Task<JsonElement[]> ListAsync(string filter) =>
        [.. (await rest.DoAsync("GET", $"{Occurrences}?filter={Uri.EscapeDataString(filter)}")).Body.GetProperty("occurrences").EnumerateArray()];
}
