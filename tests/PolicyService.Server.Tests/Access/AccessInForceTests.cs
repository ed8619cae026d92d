using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Access;
using PolicyService.Server.Audits;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Tests.Access;

/// <summary>The access file: read at the start, watched, and never worse than its last good version.</summary>
public sealed class AccessInForceTests
{
    private const string Path = "/v1/projects/acme/attestors";
    private const string Granted = "bindings: [{role: roles/binaryauthorization.attestorsViewer, members: [\"group:a\"], resources: [projects/acme]}, {role: roles/policyservice.monitor, members: [\"group:monitors\"], resources: [service]}]\n";
    private const string Revoked = "bindings: [{role: roles/binaryauthorization.attestorsViewer, members: [\"group:b\"], resources: [projects/acme]}, {role: roles/policyservice.monitor, members: [\"group:monitors\"], resources: [service]}]\n";

    /// <summary>The bound is 1 s; measured and printed, asserted at five times that.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("broken", "bindings: [{rolle: x}]\n", "cannot be read (line 1, column 12: `role` is missing")]
    [InlineData("no YAML", "{\n", "cannot be read (line ")]
    [InlineData("empty", "", "cannot be read (line 1, column 1: the document is empty")]
    public async Task File_that_cannot_be_used_stops_the_start_with_one_line(string name, string text, string message)
    {
        var failure = await Assert.ThrowsAsync<SettingsException>(async () => await AccessServer.StartAsync(text));

        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("mend it, or --Access:File", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.Message.Contains('\n'), name);
    }

    [Fact]
    public async Task File_that_is_not_there_stops_the_start()
    {
        var documents = new DocumentsFolder();
        var failure = await Assert.ThrowsAsync<SettingsException>(async () => await TestServer.StartAsync(
            documents, caller: AccessServer.CallerOf, more: ["--Store:Path", documents.Beside("s.db"), "--Access:File", documents.Beside("gone.yaml")]));

        Assert.Contains("cannot be read (FileNotFoundException): mend it, or --Access:File", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_file_nobody_is_granted_anything_and_the_start_says_so()
    {
        await using var access = await AccessServer.StartAsync(null);

        Assert.Equal(HttpStatusCode.Forbidden, (await access.SendAsync("group:a", "GET", Path)).Code);
        Assert.Contains(access.Server.Log.Lines, line => line.Contains("No access file is configured", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Change_counts_within_a_second()
    {
        await using var access = await AccessServer.StartAsync(Granted);
        Assert.Equal(HttpStatusCode.OK, (await access.SendAsync("group:a", "GET", Path)).Code);
        var removals = new List<TimeSpan>();
        for (var round = 0; round < 5; round++)
        {
            access.Write(Revoked);
            var gone = await Eventually.Holds("the grant is gone", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.Forbidden);
            access.Write(Granted);
            var back = await Eventually.Holds("the grant is back", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.OK);

            TestContext.Current.TestOutputHelper!.WriteLine($"removed {gone.TotalMilliseconds:F0} ms, granted {back.TotalMilliseconds:F0} ms");
            removals.Add(gone);
        }

        // The middle one: a busy machine may hold up one or two.
        Assert.True(removals.Order().ElementAt(2) < Bound, string.Join(' ', removals));
    }

    [Fact]
    public async Task Half_of_a_file_that_is_being_written_never_counts()
    {
        const string Whole = """
            bindings:
            - role: roles/binaryauthorization.attestorsViewer
              members: [group:a]
              resources:
              - projects/acme/attestors/build
            """;
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var documents = DocumentsFolder.Fixed("ALWAYS_DENY");
        await using var access = await AccessServer.StartAsync("bindings: []\n", [], documents, time);
        // The whole project, as far as it goes.
        access.Write(Whole[..^"/attestors/build".Length]);
        var looking = access.Server.PollAsync();
        access.Write(Whole);
        await Eventually.Holds("the look has ended", () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            return looking.IsCompleted;
        });
        Assert.False(Allows("projects/acme/attestors/other"));

        var again = access.Server.PollAsync();
        await Eventually.Holds("the next look has ended", () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            return again.IsCompleted;
        });
        Assert.Equal((true, false), (Allows("projects/acme/attestors/build"), Allows("projects/acme/attestors/other")));

        bool Allows(string resource) =>
            access.Server.Services.GetRequiredService<SnapshotInForce>().Current!.Snapshot.Access!.Allows(["group:a"], Permissions.AttestorsGet, resource);
    }

    [Theory]
    [InlineData("broken")]
    [InlineData("deleted")]
    public async Task Broken_change_leaves_the_last_version_in_force_and_is_told(string how)
    {
        await using var access = await AccessServer.StartAsync(Granted);
        if (how == "broken")
        {
            access.Write("bindings: [{}]\n");
        }
        else
        {
            File.Delete(access.File);
        }

        await Eventually.Holds("the problem shows", async () => (await ProblemsAsync(access)).Length > 0);
        Assert.Contains(await ProblemsAsync(access), problem => problem.Contains(how == "broken" ? "`role` is missing" : "the file cannot be read", StringComparison.Ordinal));
        Assert.Contains(access.Server.Log.Lines, line => line.Contains("access.yaml", StringComparison.Ordinal) && line.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await access.SendAsync("group:a", "GET", Path)).Code);
        Assert.False(access.Server.Services.GetRequiredService<SnapshotInForce>().Current!.IsStale);

        access.Write(Revoked);
        await Eventually.Holds("the next good version counts", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.Forbidden);
        Assert.Empty(await ProblemsAsync(access));
    }

    [Fact]
    public async Task Warnings_show_and_do_not_stop_anything()
    {
        await using var access = await AccessServer.StartAsync("bindings: [{role: roles/owner, members: [\"domain:example.com\"], resources: [\"*\"]}, {role: roles/policyservice.monitor, members: [\"group:monitors\"], resources: [service]}]\n");

        Assert.Equal(2, (await ProblemsAsync(access)).Length);
    }

    [Fact]
    public async Task Each_version_that_comes_into_force_is_recorded()
    {
        await using var access = await AccessServer.StartAsync(Granted);
        access.Write(Revoked);
        await Eventually.Holds("it is recorded", () => access.Records(AccessChangeRecord.Kind).Length == 2);

        var records = access.Records(AccessChangeRecord.Kind);
        Assert.All(records, record => Assert.Equal(("file", access.File), (record.GetProperty("author").GetString(), record.GetProperty("resource").GetString())));
        Assert.Equal(0, records[0].GetProperty("added").GetArrayLength());
        Assert.Equal("group:b", Assert.Single(records[1].GetProperty("added").EnumerateArray()).GetProperty("member").GetString());
        var removed = Assert.Single(records[1].GetProperty("removed").EnumerateArray());
        Assert.Equal(
            ("group:a", "roles/binaryauthorization.attestorsViewer", "projects/acme"),
            (removed.GetProperty("member").GetString(), removed.GetProperty("role").GetString(), removed.GetProperty("resource").GetString()));
        Assert.NotEqual(records[0].GetProperty("version").GetString(), records[1].GetProperty("version").GetString());
    }

    [Fact]
    public async Task First_use_of_a_grant_on_a_day_is_recorded_and_refusals_are_counted()
    {
        await using var access = await AccessServer.StartAsync(
            "evaluators: [{members: [\"group:a\"], clusters: [\"*\"]}]\nbindings: [{role: roles/policyservice.monitor, members: [\"group:monitors\"], resources: [service]}]\n", documents: DocumentsFolder.Fixed("ALWAYS_ALLOW"), store: []);
        for (var turn = 0; turn < 3; turn++)
        {
            await access.DoAsync("group:a", "POST", "/v1/evaluate", $$"""{"imageDigest": "{{Ask.Attested}}", "cluster": "a.b"}""");
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await access.SendAsync("group:c", "POST", "/v1/evaluate", $$"""{"imageDigest": "{{Ask.Attested}}", "cluster": "a.b"}""")).Code);
        await Eventually.Holds("it is recorded", () => access.Records(AccessUsedRecord.Kind).Length > 0);
        var used = Assert.Single(access.Records(AccessUsedRecord.Kind));
        Assert.Equal(
            ("group:a", "group:a", "evaluators[0]", "*", "file"),
            (Text("caller"), Text("member"), Text("role"), Text("resource"), Text("source")));
        Assert.Equal(1, (await access.MetricsAsync("group:monitors")).Sum("policyservice_access_denied_total", "permission=\"binaryauthorization.policy.evaluatePolicy\""));

        string? Text(string name) => used.GetProperty(name).GetString();
    }

    private static async Task<string[]> ProblemsAsync(AccessServer access)
    {
        var reply = await access.DoAsync("group:monitors", "GET", "/healthz/ready");
        return [.. reply.Body.GetProperty("documents").GetProperty("problems").EnumerateArray().Select(problem => problem.GetProperty("message").GetString()!)];
    }
}
