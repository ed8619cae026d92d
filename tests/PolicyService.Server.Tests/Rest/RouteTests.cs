using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace PolicyService.Server.Tests.Rest;

/// <summary>Every route that takes a body refuses what is none: 400 INVALID_ARGUMENT naming the field, and nothing is stored.</summary>
public sealed class RouteTests(RestServer rest) : IClassFixture<RestServer>
{
    private const int Limit = 4 * 1024 * 1024;

    private static readonly Dictionary<string, Func<string, string>> Malformed = new(StringComparer.Ordinal)
    {
        ["nothing"] = _ => "",
        ["half an object"] = body => body.TrimEnd()[..^1],
        ["null"] = _ => "null",
        ["a list"] = body => $"[{body}]",
        ["a string"] = _ => "\"a\"",
        ["a second object"] = body => body + body,
        ["a comment"] = body => "/**/" + body,
        ["a comma too many"] = body => body.TrimEnd()[..^1] + ",}",
        ["a field twice"] = body => "{\"description\": \"a\", \"description\": \"b\", " + body.TrimStart()[1..],
        ["65 levels"] = body => $"{{\"x\": {new string('[', 64)}{new string(']', 64)}, {body.TrimStart()[1..]}",
        ["half a surrogate pair"] = body => "{\"description\": \"\\ud800\", " + body.TrimStart()[1..],
        ["an unquoted name"] = _ => "{name: 1}",
    };

    public static TheoryData<string> Routes => [.. RouteTable.All.Select(route => route.Name)];

    [Theory, MemberData(nameof(Routes))]
    public async Task Good_body_is_taken(string name)
    {
        var (route, project) = await PreparedAsync(name);

        await rest.DoAsync(route.Method, At(route, project), In(route.Body, project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Malformed_JSON_is_refused_and_nothing_stored(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);
        foreach (var (what, change) in Malformed)
        {
            var reply = await rest.SendAsync(route.Method, At(route, project), change(In(route.Body, project)));

            Assert.True(reply.Code == HttpStatusCode.BadRequest, $"{what}: {reply.Text}");
            Assert.Equal("INVALID_ARGUMENT", reply.Status);
        }

        Assert.Equal(before, await StateAsync(project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Wrong_type_is_refused_by_the_name_of_its_field(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);
        foreach (var (path, body) in RouteTable.WrongTypes(route))
        {
            var reply = await rest.SendAsync(route.Method, At(route, project), In(body, project));

            Assert.True(reply.Code == HttpStatusCode.BadRequest, $"{path} in {body}: {reply.Text}");
            Assert.Equal("INVALID_ARGUMENT", reply.Status);
            Assert.True(reply.Fields.Any(field => field.StartsWith(path, StringComparison.Ordinal)), $"{path} in {body}: {reply.Text}");
        }

        Assert.Equal(before, await StateAsync(project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Missing_field_is_refused_by_its_name(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);
        foreach (var path in route.Required)
        {
            foreach (var body in new[] { RouteTable.Replace(route.Body, path, null), RouteTable.Replace(route.Body, path, "null") })
            {
                var reply = await rest.SendAsync(route.Method, At(route, project), In(body, project));

                Assert.True(reply.Code == HttpStatusCode.BadRequest, $"{path} in {body}: {reply.Text}");
                Assert.NotEmpty(reply.Fields);
                Assert.Contains(path[(path.LastIndexOf('.') + 1)..].Split('[')[0], reply.Text, StringComparison.Ordinal);
            }
        }

        Assert.Equal(before, await StateAsync(project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Unknown_field_is_refused_by_its_name(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);

        var reply = await rest.SendAsync(route.Method, At(route, project), "{\"unheardOf\\u001b[31m\": 1, " + In(route.Body, project).TrimStart()[1..]);

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Contains(@"unheardOf\u001b[31m", reply.Fields);
        Assert.Equal(before, await StateAsync(project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Oversized_body_is_413_and_nothing_stored(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);

        var reply = await rest.SendAsync(route.Method, At(route, project), Padded(In(route.Body, project), Limit + 1));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.Code);
        Assert.Equal("INVALID_ARGUMENT", reply.Status);
        Assert.Contains("more than 4194304 bytes", reply.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(rest.Server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
        Assert.Equal(before, await StateAsync(project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Body_of_too_many_values_is_refused_before_they_are_made(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);

        var reply = await rest.SendAsync(route.Method, At(route, project), $"{{\"x\": [{string.Join(",", Enumerable.Repeat("1", 100_001))}], {In(route.Body, project).TrimStart()[1..]}");

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Contains("more than 100000 values", reply.Message, StringComparison.Ordinal);
        Assert.Equal(before, await StateAsync(project));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Other_content_types_and_encodings_are_refused(string name)
    {
        var (route, project) = await PreparedAsync(name);
        var before = await StateAsync(project);
        foreach (var (type, encoding) in new[] { ("text/plain", ""), ("application/x-www-form-urlencoded", ""), ("application/json", "gzip"), ("application/json", "br") })
        {
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes(In(route.Body, project)));
            content.Headers.ContentType = new MediaTypeHeaderValue(type);
            if (encoding.Length > 0)
            {
                content.Headers.ContentEncoding.Add(encoding);
            }

            var reply = await rest.SendAsync(route.Method, At(route, project), content);

            Assert.Equal(HttpStatusCode.UnsupportedMediaType, reply.Code);
            Assert.Equal("INVALID_ARGUMENT", reply.Status);
        }

        Assert.Equal(before, await StateAsync(project));
    }

    private static string At(Route route, string project) => In(route.Path, project);

    private static string In(string text, string project) => text.Replace("projects/P", $"projects/{project}", StringComparison.Ordinal);

    private static ByteArrayContent Padded(string body, int length)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.PadRight(length)));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <summary>A project with a note, an attestor and a platform policy.</summary>
    private async Task<(Route Route, string Project)> PreparedAsync(string name)
    {
        var (route, project) = (RouteTable.Named(name), RestServer.NewProject());
        await rest.DoAsync("POST", $"/v1/projects/{project}/notes?noteId=n", """{"attestation": {}}""");
        await rest.DoAsync("POST", $"/v1/projects/{project}/attestors?attestorId=a", $$$"""{"userOwnedGrafeasNote": {"noteReference": "projects/{{{project}}}/notes/n"}}""");
        await rest.DoAsync("POST", $"/v1/projects/{project}/platforms/gke/policies?policyId=x", """{"gkePolicy": {}}""");
        return (route, project);
    }

    /// <summary>All that can be read of a project.</summary>
    private async Task<string> StateAsync(string project)
    {
        string[] paths =
        [
            "policy", "attestors", "notes", "occurrences", "policy:getIamPolicy", "attestors/a:getIamPolicy", "platforms/gke/policies", "platforms/cloudRun/policies",
            "continuousValidationConfig",
        ];
        var replies = await Task.WhenAll(paths.Select(path => rest.GetAsync($"/v1/projects/{project}/{path}")));
        Assert.All(replies, reply => Assert.Equal(HttpStatusCode.OK, reply.Code));
        return string.Join('\n', replies.Select(reply => reply.Text));
    }
}
