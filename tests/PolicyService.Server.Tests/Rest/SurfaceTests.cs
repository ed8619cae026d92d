using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace PolicyService.Server.Tests.Rest;

/// <summary>What holds for every route: errors, names, encodings.</summary>
public sealed class SurfaceTests(RestServer rest) : IClassFixture<RestServer>
{
    /// <summary>Names that mean something to a shell, a database, a path or a terminal.</summary>
    public static TheoryData<string> Hostile =>
    [
        "x'--", "x\"; DROP TABLE documents; --", "x' OR '1'='1", "..", "../..", ".hidden", "x%00y", "x\ny", "x\u001b[31m", "%", "%25", "*", "x y", "ä", "\u202ex",
        "${jndi:ldap://x}", "{{7*7}}", "<script>", "$(id)", "`id`", new string('x', 300), "a:b:c",
    ];

    [Theory]
    [InlineData("GET", "/v1/nothing")]
    [InlineData("GET", "/v1/projects")]
    [InlineData("GET", "/v1/projects/p/nothing")]
    [InlineData("GET", "/v2/projects/p/policy")]
    [InlineData("DELETE", "/v1/projects/p/policy")]
    [InlineData("PATCH", "/v1/projects/p/policy")]
    [InlineData("PUT", "/v1/projects/p/attestors")]
    [InlineData("GET", "/v1/projects/p/policy:setIamPolicy")]
    [InlineData("POST", "/v1/projects/p/policy:getIamPolicy")]
    [InlineData("POST", "/v1beta1/projects/p/notes?noteId=n")]
    [InlineData("GET", "/v1alpha2/projects/p/platforms/gke/policies")]
    [InlineData("GET", "/")]
    public async Task Unknown_route_is_NOT_FOUND_in_the_shape_of_errors(string method, string path)
    {
        var reply = await rest.SendAsync(method, path, method == "GET" ? null : "{}");

        Assert.Equal((HttpStatusCode.NotFound, "NOT_FOUND"), (reply.Code, reply.Status));
        Assert.Equal(404, reply.Body.GetProperty("error").GetProperty("code").GetInt32());
    }

    [Theory, MemberData(nameof(Hostile))]
    public async Task Hostile_name_is_refused_at_every_place_and_nothing_is_stored(string name)
    {
        var hostile = Uri.EscapeDataString(name);
        (string Method, string Path, string? Body)[] requests =
        [
            ("GET", $"/v1/projects/{hostile}/policy", null),
            ("PUT", $"/v1/projects/{hostile}/policy", RouteTable.Named("policy").Body),
            ("GET", $"/v1/projects/{hostile}/attestors", null),
            ("GET", $"/v1/projects/h/attestors/{hostile}", null),
            ("DELETE", $"/v1/projects/h/attestors/{hostile}", null),
            ("POST", $"/v1/projects/h/attestors?attestorId={hostile}", """{"userOwnedGrafeasNote": {"noteReference": "projects/h/notes/n"}}"""),
            ("POST", $"/v1/projects/h/attestors?attestorId=a", $$$"""{"userOwnedGrafeasNote": {"noteReference": {{{JsonSerializer.Serialize($"projects/h/notes/{name}")}}}}}"""),
            ("GET", $"/v1/projects/h/attestors/{hostile}:getIamPolicy", null),
            ("POST", $"/v1/projects/h/notes?noteId={hostile}", """{"attestation": {}}"""),
            ("GET", $"/v1/projects/h/notes/{hostile}/occurrences", null),
            ("GET", $"/v1/projects/{hostile}/occurrences", null),
            ("GET", $"/v1/projects/h/occurrences/{hostile}", null),
            ("POST", $"/v1/projects/h/occurrences", $$"""{"kind": "BUILD", "noteName": {{JsonSerializer.Serialize($"projects/h/notes/{name}")}}, "resourceUri": "x"}"""),
            ("POST", $"/v1/projects/h/platforms/gke/policies?policyId={hostile}", """{"gkePolicy": {}}"""),
            ("GET", $"/v1/projects/h/platforms/{hostile}/policies", null),
            ("GET", $"/v1/projects/h/platforms/gke/policies/{hostile}", null),
            ("GET", $"/v1/locations/{hostile}/policy", null),
            ("GET", $"/v1/projects/h/attestors?pageToken={hostile}", null),
            ("GET", $"/v1/projects/h/occurrences?pageToken={hostile}", null),
            ("GET", $"/v1/projects/h/occurrences?filter={hostile}", null),
        ];
        foreach (var (method, path, body) in requests)
        {
            if (!new Uri(rest.Server.Http.BaseAddress!, path).AbsolutePath.StartsWith(path.Split('?')[0], StringComparison.Ordinal))
            {
                // To the client dots are steps: it asks for another path.
                continue;
            }

            var reply = await rest.SendAsync(method, path, body);

            Assert.True(reply.Code is HttpStatusCode.BadRequest or HttpStatusCode.NotFound, $"{method} {path}: {(int)reply.Code} {reply.Text}");
            Assert.DoesNotContain(reply.Text, character => char.IsControl(character) || character > '~');
            Assert.DoesNotContain("Exception", reply.Text, StringComparison.Ordinal);
            Assert.True(reply.Text.Length < 1500, reply.Text);
        }

        Assert.Equal(0, (await rest.DoAsync("GET", "/v1/projects/h/attestors")).Body.GetProperty("attestors").GetArrayLength());
        Assert.Equal(0, (await rest.DoAsync("GET", "/v1/projects/h/notes")).Body.GetProperty("notes").GetArrayLength());
    }

    [Fact]
    public async Task Project_id_may_carry_a_domain()
    {
        var project = $"example.com:{RestServer.NewProject()}";

        await rest.DoAsync("PUT", $"/v1/projects/{project}/policy", RouteTable.Named("policy").Body.Replace("projects/P", $"projects/{project}", StringComparison.Ordinal));

        Assert.Equal($"projects/{project}/policy", (await rest.DoAsync("GET", $"/v1/projects/{project}/policy"))["name"]);
        await rest.DoAsync("GET", $"/v1/projects/{project}/policy:getIamPolicy");
    }

    [Fact]
    public async Task Byte_order_mark_before_a_body_is_no_part_of_it()
    {
        var project = RestServer.NewProject();
        (string Method, string Path, string Body)[] requests =
        [
            ("POST", "notes?noteId=n", """{"attestation": {}}"""),
            ("PUT", "policy", """{"defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}"""),
            ("POST", "attestors?attestorId=a", $$$"""{"userOwnedGrafeasNote": {"noteReference": "projects/{{{project}}}/notes/n"}}"""),
            ("POST", "occurrences", $$"""{"kind": "BUILD", "noteName": "projects/{{project}}/notes/n", "resourceUri": "x"}"""),
            ("POST", "platforms/gke/policies?policyId=p", """{"gkePolicy": {}}"""),
            ("POST", "policy:setIamPolicy", """{"policy": {}}"""),
        ];
        foreach (var (method, path, body) in requests)
        {
            await rest.DoAsync(method, $"/v1/projects/{project}/{path}", "\uFEFF" + body);
        }

        var many = await rest.SendAsync("POST", $"/v1/projects/{project}/occurrences", $"\uFEFF[{string.Join(',', Enumerable.Repeat('1', 100_001))}]");
        Assert.Contains("has more than 100000 values", many.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_is_compressed_for_who_takes_it()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/projects/z/policy");
        request.Headers.Add("accept-encoding", "gzip, deflate");
        using var response = await rest.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        await using var unzipped = new GZipStream(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), CompressionMode.Decompress);
        using var reader = new StreamReader(unzipped, Encoding.UTF8);
        Assert.Contains("projects/z/policy", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_leave_no_secret_in_the_log()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/projects/z/policy?access_token=s3cret-query");
        request.Headers.Add("authorization", "Bearer s3cret-token");
        using var response = await rest.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain(rest.Server.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("s3cret", StringComparison.Ordinal));
        Assert.DoesNotContain(rest.Server.Log.Lines, line => line.Contains("s3cret-token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_violation_is_named_at_once_and_values_are_cut()
    {
        var reply = await rest.SendAsync("PUT", "/v1/projects/z/policy", $$$"""
            {"admissionWhitelistPatterns": [{"namePattern": "*"}, {"namePattern": "{{{new string('y', 5000)}}}*x"}], "defaultAdmissionRule": {"evaluationMode": "\u001b[31m", "enforcementMode": "X"}}
            """);

        Assert.Equal(
            ["admissionWhitelistPatterns[0].namePattern", "admissionWhitelistPatterns[1].namePattern", "defaultAdmissionRule.enforcementMode", "defaultAdmissionRule.evaluationMode"],
            reply.Fields.Order(StringComparer.Ordinal));
        Assert.True(reply.Text.Length < 3000, reply.Text);
        Assert.DoesNotContain(reply.Message, char.IsControl);
    }
}
