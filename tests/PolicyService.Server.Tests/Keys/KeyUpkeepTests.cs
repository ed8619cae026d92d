using PolicyService.Core.Attestors;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Server.Tests.Keys;

/// <summary>What the service sees of its keys in the background, and says of them.</summary>
public sealed class KeyUpkeepTests
{
    private const string Allowed = "Allow Conformant Attested";

    [Theory]
    [InlineData("DISABLED", "DISABLED", "", Allowed)]
    [InlineData("DESTROY_SCHEDULED", "DESTROYED", "", Allowed)]
    [InlineData("DISABLED", "DISABLED", "revokeOnKmsDisable: true", "Deny Error KeyUnavailable KMS:DISABLED")]
    [InlineData("DESTROYED", "DESTROYED", "revokeOnKmsDisable: true", "Deny Error KeyUnavailable KMS:DESTROYED")]
    [InlineData("DISABLED", "DISABLED", "revokeOnKmsDisable: true\nfailMode: OPEN", "Deny Error KeyUnavailable KMS:DISABLED")]
    public async Task Version_that_ended_is_reported_and_revoked_where_the_project_says_so(string state, string shown, string options, string answer)
    {
        await using var kms = await KmsServer.StartAsync(options);
        Assert.Equal(Allowed, await kms.AnswerAsync());
        await kms.RoundAsync();
        kms.Key.State = state;
        await kms.RoundAsync();
        await kms.RoundAsync();

        Assert.Equal(answer, await kms.AnswerAsync());
        Assert.Equal(1, (await kms.Server.MetricsAsync()).Sum("policyservice_kms_key_versions", $"state=\"{shown}\""));
        Assert.Equal(shown, Assert.Single((await kms.Server.ReadyAsync()).Body.GetProperty("keys").EnumerateArray()).GetProperty("state").GetString());
        Assert.Single(kms.Server.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains($"is {shown}", StringComparison.Ordinal));

        kms.Key.State = "ENABLED";
        await kms.RoundAsync();
        Assert.Equal(Allowed, await kms.AnswerAsync());
        Assert.Single(kms.Server.Log.Lines, line => line.Contains("ENABLED in Cloud KMS again", StringComparison.Ordinal));
        Assert.Empty((await kms.Server.ReadyAsync()).Body.GetProperty("keys").EnumerateArray());
    }

    /// <summary>As gcloud writes a key of Cloud KMS: its id, and its PEM too.</summary>
    [Fact]
    public async Task Version_that_ended_is_revoked_though_the_document_carries_its_key()
    {
        await using var kms = await KmsServer.StartAsync("revokeOnKmsDisable: true", isPinned: false);
        kms.Server.Documents.Write("attestors/build.json", KmsServer.AttestorWith(KmsServer.KeyId, kms.Key.Pem));
        await Eventually.Holds("the key counts", async () => await kms.AnswerAsync() == Allowed);
        Assert.Equal(0, kms.StandIn.PublicKeyCalls);

        kms.Key.State = "DISABLED";
        await kms.RoundAsync();

        Assert.Equal("Deny Error KeyUnavailable KMS:DISABLED", await kms.AnswerAsync());
    }

    [Fact]
    public async Task State_that_cannot_be_read_is_said_and_counts_against_who_revokes()
    {
        await using var kms = await KmsServer.StartAsync("revokeOnKmsDisable: true", lifetimes: new KeyLifetimes { Negative = TimeSpan.Zero, Fetch = TimeSpan.FromMinutes(5) });
        kms.StandIn.FaultOf = call => call.Path.EndsWith("/publicKey", StringComparison.Ordinal) ? KmsFault.None : KmsFault.Forbidden;

        Assert.Equal("Deny Error KeyUnavailable KMS:STATE_UNKNOWN", await kms.AnswerAsync());
        var shown = Assert.Single((await kms.Server.ReadyAsync()).Body.GetProperty("keys").EnumerateArray());
        Assert.Equal("KMS:PERMISSION_DENIED", shown.GetProperty("stateProblem").GetString());
        Assert.Contains("roles/cloudkms.viewer", shown.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.Single(kms.Server.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("cannot be read, KMS:PERMISSION_DENIED", StringComparison.Ordinal));

        kms.StandIn.FaultOf = _ => KmsFault.None;
        Assert.Equal(Allowed, await kms.AnswerAsync());
        Assert.Empty((await kms.Server.ReadyAsync()).Body.GetProperty("keys").EnumerateArray());
    }

    [Fact]
    public async Task State_is_read_by_itself_at_the_set_interval()
    {
        await using var kms = await KmsServer.StartAsync();
        await kms.AnswerAsync();
        Assert.Equal(0, kms.StandIn.StateCalls);
        await using var own = await TestServer.StartAsync(Copied(kms), kms: kms.StandIn.Url, interval: "1s");
        await own.AskAsync(Ask.For(Ask.Attested));

        await Eventually.Holds("the state is read", () => kms.StandIn.StateCalls >= 2);
    }

    [Fact]
    public async Task Key_of_no_document_is_looked_after_no_more()
    {
        await using var kms = await KmsServer.StartAsync();
        await kms.AnswerAsync();
        kms.Server.Documents.Write("attestors/build.json", KmsServer.AttestorWith(KmsServer.KeyId + "0"));
        await Eventually.Holds("the key is gone", async () => (await kms.AnswerAsync()).Contains("KEY_UNKNOWN", StringComparison.Ordinal));
        kms.StandIn.Calls.Clear();

        await kms.RoundAsync();

        Assert.Empty(kms.StandIn.Calls);
    }

    /// <summary>Labels are closed sets: nothing that a document, a caller or a key service says can make a new series.</summary>
    [Fact]
    [Trait("attack", "98")]
    public async Task Series_of_keys_are_the_same_whatever_happens()
    {
        await using var kms = await KmsServer.StartAsync();
        var before = Names(await kms.Server.MetricsAsync());
        foreach (var fault in new[] { KmsFault.NoUtf8, KmsFault.Forbidden, KmsFault.OtherName, KmsFault.None })
        {
            kms.StandIn.Fault = fault;
            kms.Key.State = $"STATE_{fault}";
            await kms.RoundAsync();
            await kms.AnswerAsync();
        }

        var page = await kms.Server.MetricsAsync();

        Assert.Equal(before, Names(page));
        var expected = 3 + 3 + 1 + KeyFailures.All.Count + 1 + KeyFailures.All.Count + 1 + Enum.GetValues<KeyState>().Length + 1;
        Assert.Equal(expected, before.Length);
        Assert.DoesNotContain(page.Series, line => line.Contains("cryptoKey", StringComparison.OrdinalIgnoreCase));
    }

    private static string[] Names(MetricsPage page) =>
        [.. page.Series.Where(line => line.StartsWith("policyservice_k", StringComparison.Ordinal)).Select(line => line[..line.LastIndexOf(' ')]).Order(StringComparer.Ordinal)];

    private static DocumentsFolder Copied(KmsServer kms)
    {
        var folder = new DocumentsFolder();
        foreach (var file in Directory.EnumerateFiles(kms.Server.Documents.Path, "*", SearchOption.AllDirectories))
        {
            folder.Write(Path.GetRelativePath(kms.Server.Documents.Path, file), File.ReadAllBytes(file));
        }

        return folder;
    }
}
