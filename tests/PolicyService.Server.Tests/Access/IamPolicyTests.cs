using System.Net;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Server.Audits;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;
using PolicyService.Server.Tests.Rest;
using PolicyService.Server.Tests.Storage;

namespace PolicyService.Server.Tests.Access;

/// <summary>IAM policies set over the API grant on their resource alone, on every replica, for as long as it exists.</summary>
public sealed class IamPolicyTests(AdminServer admin) : IClassFixture<AdminServer>
{
    private const string Viewer = "roles/binaryauthorization.attestorsViewer";

    /// <summary>The bound is 1 s; measured and printed, asserted at five times that.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    public static TheoryData<string, string, string, bool> Members => new()
    {
        { "the member", $$"""{"role": "{{Viewer}}", "members": ["user:alice@example.com"]}""", "user:alice@example.com", true },
        { "another case", $$"""{"role": "{{Viewer}}", "members": ["user:Alice@Example.COM"]}""", "user:alice@example.com", true },
        { "another domain", $$"""{"role": "{{Viewer}}", "members": ["user:alice@example.com"]}""", "user:alice@example.org", false },
        { "a group", $$"""{"role": "{{Viewer}}", "members": ["group:eng"]}""", "principal://i/subject/1 group:eng", true },
        { "a group in another case", $$"""{"role": "{{Viewer}}", "members": ["group:eng"]}""", "group:ENG", false },
        { "everybody who authenticated", $$"""{"role": "{{Viewer}}", "members": ["allAuthenticatedUsers"]}""", "principal://i/subject/1", true },
        { "everybody", $$"""{"role": "{{Viewer}}", "members": ["allUsers"]}""", "principal://i/subject/1", false },
        { "a domain", $$"""{"role": "{{Viewer}}", "members": ["domain:example.com"]}""", "user:alice@example.com", false },
        { "an unknown role", """{"role": "roles/viewer", "members": ["user:alice@example.com"]}""", "user:alice@example.com", false },
        { "a condition", $$$"""{"role": "{{{Viewer}}}", "members": ["user:alice@example.com"], "condition": {"expression": "true"}}""", "user:alice@example.com", false },
        { "a role without the permission", """{"role": "roles/containeranalysis.admin", "members": ["user:alice@example.com"]}""", "user:alice@example.com", false },
    };

    [Theory, MemberData(nameof(Members))]
    public async Task Binding_grants_what_it_says_on_its_resource_alone(string name, string binding, string caller, bool allowed)
    {
        var project = RestServer.NewProject();
        await admin.AttestorsAsync(project, "build", "build2");
        // The second policy is there to know when the first is in force.
        await admin.SetAsync($"projects/{project}/attestors/build", binding);
        await admin.SetAsync($"projects/{project}/attestors/build2", $$"""{"role": "{{Viewer}}", "members": ["group:probe"]}""");
        await Eventually.Holds("both are in force", async () => (await admin.Access.SendAsync("group:probe", "GET", $"/v1/projects/{project}/attestors/build2")).Code is HttpStatusCode.OK);

        Assert.True(allowed == (await admin.Access.SendAsync(caller, "GET", $"/v1/projects/{project}/attestors/build")).Code is HttpStatusCode.OK, name);
        foreach (var other in new[] { $"{project}/attestors/build2", $"{project}/attestors", $"{project}-evil/attestors/build", $"{project}/policy" })
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await admin.Access.SendAsync(caller, "GET", $"/v1/projects/{other}")).Code);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await admin.Access.SendAsync(caller, "DELETE", $"/v1/projects/{project}/attestors/build")).Code);
    }

    [Fact]
    public async Task Attestor_made_anew_inherits_no_grant()
    {
        var project = RestServer.NewProject();
        var path = $"/v1/projects/{project}/attestors/build";
        await admin.AttestorsAsync(project, "build");
        await admin.SetAsync(path[4..], $$"""{"role": "{{Viewer}}", "members": ["group:a"]}""");
        await Eventually.Holds("the grant is in force", async () => (await admin.Access.SendAsync("group:a", "GET", path)).Code is HttpStatusCode.OK);

        await admin.Access.DoAsync(AdminServer.Admin, "DELETE", path);
        await Eventually.Holds("the grant has gone", async () => (await admin.Access.SendAsync("group:a", "GET", path)).Code is HttpStatusCode.Forbidden);
        await admin.Access.DoAsync(AdminServer.Admin, "POST", $"/v1/projects/{project}/attestors?attestorId=build", AdminServer.Attestor(project));

        Assert.Equal(HttpStatusCode.Forbidden, (await admin.Access.SendAsync("group:a", "GET", path)).Code);
        Assert.Equal("{\"etag\":\"0000000000000000\"}", (await admin.Access.DoAsync(AdminServer.Admin, "GET", $"{path}:getIamPolicy")).Text);
        var changes = admin.Access.Records(AccessChangeRecord.Kind).Where(record => record.GetProperty("resource").GetString() == path[4..]).ToArray();
        Assert.Equal(2, changes.Length);
        Assert.Equal("group:a", changes[1].GetProperty("removed")[0].GetProperty("member").GetString());
    }

    [Fact]
    public async Task Who_changed_what_is_recorded_before_the_answer()
    {
        var project = RestServer.NewProject();
        var resource = $"projects/{project}/policy";
        await admin.SetAsync(resource, """{"role": "roles/a.b", "members": ["user:x@example.com", "user:y@example.com"]}""");
        await admin.SetAsync(resource, """{"role": "roles/a.b", "members": ["user:y@example.com"]}, {"role": "roles/c.d", "members": ["group:z"], "condition": {"expression": "true"}}""");
        // The same once more is no change.
        await admin.SetAsync(resource, """{"role": "roles/a.b", "members": ["user:y@example.com"]}, {"role": "roles/c.d", "members": ["group:z"], "condition": {"expression": "true"}}""");

        var changes = admin.Access.Records(AccessChangeRecord.Kind).Where(record => record.GetProperty("resource").GetString() == resource).ToArray();
        Assert.Equal(2, changes.Length);
        Assert.All(changes, change => Assert.Equal(AdminServer.Admin, change.GetProperty("author").GetString()));
        Assert.Equal(2, changes[0].GetProperty("added").GetArrayLength());
        Assert.Equal($$"""[{"member":"group:z","role":"roles/c.d","resource":"{{resource}}","detail":"conditional, grants nothing"}]""", changes[1].GetProperty("added").GetRawText());
        Assert.Equal($$"""[{"member":"user:x@example.com","role":"roles/a.b","resource":"{{resource}}"}]""", changes[1].GetProperty("removed").GetRawText());
    }

    [Fact]
    public async Task Changes_at_once_are_recorded_as_they_came_one_after_the_other()
    {
        var project = RestServer.NewProject();
        var resource = $"projects/{project}/policy";
        string[] members = [.. Enumerable.Range(0, 24).Select(number => $"group:g{number}")];

        await Task.WhenAll(members.Select(member => admin.SetAsync(resource, $$"""{"role": "roles/a.b", "members": ["{{member}}"]}""")));

        var changes = admin.Access.Records(AccessChangeRecord.Kind).Where(record => record.GetProperty("resource").GetString() == resource).ToArray();
        Assert.Equal(members.Order(StringComparer.Ordinal), Named("added"));
        var last = (await admin.Access.DoAsync(AdminServer.Admin, "GET", $"/v1/{resource}:getIamPolicy")).Body.GetProperty("bindings")[0].GetProperty("members")[0].GetString()!;
        Assert.Equal(members.Where(member => member != last).Order(StringComparer.Ordinal), Named("removed"));

        IEnumerable<string> Named(string list) =>
            changes.SelectMany(change => change.GetProperty(list).EnumerateArray()).Select(entry => entry.GetProperty("member").GetString()!).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Access_is_not_changed_while_records_fail_and_a_change_that_stands_is_recorded_late()
    {
        var sink = new TestSink();
        await using var access = await AccessServer.StartAsync(AdminServer.File, sink: sink);
        const string Path = "/v1/projects/acme/policy";
        await AdminServer.SetAsync(access, Path[4..], "");
        await Eventually.Holds("the start and the use of the grant are recorded", () => sink.Has(AccessChangeRecord.Kind) && sink.Has(AccessUsedRecord.Kind));
        sink.Fails = true;
        // Nobody knows yet that the records fail.
        var early = access.SendAsync(AdminServer.Admin, "POST", $"{Path}:setIamPolicy", Setting("group:early"));
        await Eventually.Holds("it is known", async () => (await access.Server.Http.GetAsync("/healthz/ready", TestContext.Current.CancellationToken)).StatusCode is HttpStatusCode.ServiceUnavailable);

        var refused = await access.SendAsync(AdminServer.Admin, "POST", $"{Path}:setIamPolicy", Setting("group:late"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (refused.Code, refused.Message.Contains("access is not changed", StringComparison.Ordinal)));
        Assert.Contains("group:early", (await access.DoAsync(AdminServer.Admin, "GET", $"{Path}:getIamPolicy")).Text, StringComparison.Ordinal);
        var stood = await early;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (stood.Code, stood.Message.Contains("is in force", StringComparison.Ordinal)));

        sink.Fails = false;
        await Eventually.Holds("it is recorded", () => sink.Has("group:early"));
        Assert.DoesNotContain(sink.Lines, line => line.Contains("group:late", StringComparison.Ordinal));

        static string Setting(string member) => $$$"""{"policy": {"bindings": [{"role": "{{{Viewer}}}", "members": ["{{{member}}}"]}]}}""";
    }

    [Fact]
    public async Task Iam_policies_of_a_project_that_a_directory_has_grant_nothing()
    {
        await using var access = await AccessServer.StartAsync(AdminServer.File);
        const string Path = "/v1/projects/acme/attestors/build";
        await AdminServer.AttestorsAsync(access, "acme", "build");
        await AdminServer.SetAsync(access, Path[4..], $$"""{"role": "{{Viewer}}", "members": ["group:a"]}""");
        await Eventually.Holds("the grant is in force", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.OK);

        access.Server.Documents.Write("policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY"));

        await Eventually.Holds("what nobody can see grants nothing", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.Forbidden);
        access.Server.Documents.Delete("policy.yaml");
        await Eventually.Holds("it counts again", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.OK);
    }

    [Fact]
    public async Task Stored_policy_that_cannot_be_read_grants_nothing_and_is_told()
    {
        await using var access = await AccessServer.StartAsync(AdminServer.File);
        var store = access.Server.Services.GetRequiredService<DocumentStore>();
        await store.PutAsync(
            DocumentKey.Of(StoredKind.PolicyIam, "projects/acme/policy"),
            """{"bindings": [{"role": "roles/binaryauthorization.policyViewer", "members": ["group:a"]}, {"rolle": "x"}]}""", "", "x", TestContext.Current.CancellationToken);

        var inForce = access.Server.Services.GetRequiredService<SnapshotInForce>();
        await Eventually.Holds("it is told", () => inForce.Current!.Problems.Any(problem => problem.File == "projects/acme/policy"));

        Assert.Equal(HttpStatusCode.Forbidden, (await access.SendAsync("group:a", "GET", "/v1/projects/acme/policy")).Code);
    }

    [Fact]
    public async Task Test_of_permissions_answers_what_the_caller_has()
    {
        var project = RestServer.NewProject();
        await admin.AttestorsAsync(project, "build");
        const string Question = """{"permissions": ["binaryauthorization.attestors.get", "binaryauthorization.attestors.setIamPolicy", "unheard.of"]}""";

        Assert.Equal("""{"permissions":["binaryauthorization.attestors.get","binaryauthorization.attestors.setIamPolicy"]}""", (await AskAsync(AdminServer.Admin, "build")).Text);
        Assert.Equal("""{"permissions":["binaryauthorization.attestors.get"]}""", (await AskAsync("group:viewers", "build")).Text);
        Assert.Equal("""{"permissions":[]}""", (await AskAsync("group:nobody", "build")).Text);
        Assert.Equal("""{"permissions":[]}""", (await AskAsync("group:nobody", "unheard")).Text);
        Assert.Equal(HttpStatusCode.NotFound, (await admin.Access.SendAsync("group:viewers", "POST", $"/v1/projects/{project}/attestors/unheard:testIamPermissions", Question)).Code);

        Task<RestReply> AskAsync(string members, string attestor) => admin.Access.DoAsync(members, "POST", $"/v1/projects/{project}/attestors/{attestor}:testIamPermissions", Question);
    }

    [Fact]
    public async Task Removed_grant_counts_within_a_second_on_two_replicas()
    {
        var database = PostgresServer.Shared.CreateDatabase();
        await using var one = await AccessServer.StartAsync(AdminServer.File, ["--Store:Postgres", database]);
        await using var other = await AccessServer.StartAsync(AdminServer.File, ["--Store:Postgres", database]);
        const string Path = "/v1/projects/acme/attestors/build";
        await AdminServer.AttestorsAsync(one, "acme", "build");
        var removals = new List<TimeSpan>();
        for (var round = 0; round < 5; round++)
        {
            await AdminServer.SetAsync(one, Path[4..], $$"""{"role": "{{Viewer}}", "members": ["group:a"]}""");
            var granted = await BothAsync(HttpStatusCode.OK);
            await AdminServer.SetAsync(round % 2 == 0 ? one : other, Path[4..], "");
            var removed = await BothAsync(HttpStatusCode.Forbidden);

            TestContext.Current.TestOutputHelper!.WriteLine($"granted {granted.TotalMilliseconds:F0} ms, removed {removed.TotalMilliseconds:F0} ms");
            removals.Add(removed);
        }

        // The middle one: a busy machine may hold up one or two.
        Assert.True(removals.Order().ElementAt(2) < Bound, string.Join(' ', removals));

        Task<TimeSpan> BothAsync(HttpStatusCode code) => Eventually.Holds($"both answer {code}", async () =>
            (await one.SendAsync("group:a", "GET", Path)).Code == code && (await other.SendAsync("group:a", "GET", Path)).Code == code);
    }
}

/// <summary>A service with a store and an administrator of everything.</summary>
public sealed class AdminServer : IAsyncLifetime
{
    public const string Admin = "group:admins";

    public const string File = """
        bindings:
        - {role: roles/binaryauthorization.policyAdmin, members: ["group:admins"], resources: ["*"]}
        - {role: roles/binaryauthorization.attestorsAdmin, members: ["group:admins"], resources: ["*"]}
        - {role: roles/containeranalysis.admin, members: ["group:admins"], resources: ["*"]}
        - {role: roles/binaryauthorization.attestorsViewer, members: ["group:viewers"], resources: ["*"]}
        evaluators:
        - {members: ["group:admins"], clusters: ["*"], projects: ["*"]}
        """;

    internal AccessServer Access { get; private set; } = null!;

    public static string Attestor(string project) => $$$"""{"userOwnedGrafeasNote": {"noteReference": "projects/{{{project}}}/notes/n"}}""";

    public async ValueTask InitializeAsync() => Access = await AccessServer.StartAsync(File);

    public async ValueTask DisposeAsync() => await Access.DisposeAsync();

    internal Task AttestorsAsync(string project, params string[] ids) => AttestorsAsync(Access, project, ids);

    internal static async Task AttestorsAsync(AccessServer access, string project, params string[] ids)
    {
        foreach (var id in ids)
        {
            await access.DoAsync(Admin, "POST", $"/v1/projects/{project}/attestors?attestorId={id}", Attestor(project));
        }
    }

    internal Task SetAsync(string resource, string bindings) => SetAsync(Access, resource, bindings);

    internal static Task SetAsync(AccessServer access, string resource, string bindings) =>
        access.DoAsync(Admin, "POST", $"/v1/{resource}:setIamPolicy", $$$"""{"policy": {"bindings": [{{{bindings}}}]}}""");
}
