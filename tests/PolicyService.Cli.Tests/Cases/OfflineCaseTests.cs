using System.Text.Json;
using PolicyService.Cli.Tests.Running;
using PolicyService.Tests;

namespace PolicyService.Cli.Tests.Cases;

/// <summary>
/// The case folders through <c>policyctl evaluate --policies</c>: the same answers as the engine's own tests and the server's. Cases
/// that a command line cannot ask (inline attestations, which it does not send) are asked by those alone.
/// </summary>
public sealed class OfflineCaseTests
{
    private static readonly string[] Asked = [.. CaseFolder.Names.Where(name => CaseFolder.Load(name) is { Question.CoreOnly: null } folder && folder.Request().Attestations.Count == 0)];

    public static TheoryData<string> Cases => [.. Asked];

    /// <summary>Of each kind of answer some, as processes of their own.</summary>
    public static TheoryData<string> Sample =>
    [
        "digest-covers-any-repository", "allowlist-exact-digest", "mode-always-deny-dry-run", "attestors-dangling", "image-invalid-space", "no-policy-no-documents",
        "platform-always-deny-enforced", "revoked-digest", "break-glass-over-denial", "documents-options-refused", "rule-service-account-match",
    ];

    [Theory, MemberData(nameof(Cases))]
    public async Task Evaluate_offline_gives_the_golden_answer(string name)
    {
        var folder = CaseFolder.Load(name);

        AssertAnswer(folder, await Policyctl.RunHereAsync(Arguments(folder)));
    }

    [Theory, MemberData(nameof(Sample))]
    public async Task Evaluate_offline_gives_the_golden_answer_as_a_process(string name)
    {
        var folder = CaseFolder.Load(name);

        AssertAnswer(folder, await Policyctl.RunAsync(Arguments(folder)));
    }

    [Fact]
    public void Nearly_every_case_is_asked() => Assert.InRange(Asked.Length, 250, 1_000);

    private static string[] Arguments(CaseFolder folder)
    {
        var request = folder.Request();
        (string Option, string Value)[] given =
        [
            ("--namespace", request.Namespace), ("--service-account", request.ServiceAccount), ("--project", request.Project), ("--istio-identity", request.IstioIdentity),
        ];
        return
        [
            "evaluate", request.ImageDigest, "--cluster", request.Cluster, "--policies", Path.Combine(CaseFolder.Root, folder.Name), "-o", "json",
            "--at", folder.Question.EvaluateTime.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture),
            .. given.Where(one => one.Value.Length > 0).SelectMany(one => new[] { one.Option, one.Value }),
            .. request.BreakGlass is { } marker ? new[] { "--break-glass", marker.Justification } : [],
        ];
    }

    private static void AssertAnswer(CaseFolder folder, Run run)
    {
        var want = folder.Want();
        if (want.Error is { } error)
        {
            Assert.Equal(2, run.ExitCode);
            Assert.Contains($"{error.Field}: ", run.Error, StringComparison.Ordinal);
            return;
        }

        var answer = JsonSerializer.Deserialize<JsonElement>(run.Output);
        Assert.Equal((want.Verdict, want.Conformance), (answer.GetProperty("verdict").GetString(), answer.GetProperty("conformance").GetString()));
        Assert.Equal(want.Reasons, answer.GetProperty("reasons").Deserialize<CaseReason[]>(JsonSerializerOptions.Web));
        Assert.Equal(want.BreakGlass, answer.GetProperty("breakGlass").GetBoolean());
        Assert.Equal(want.FailMode, answer.TryGetProperty("failMode", out var failMode) ? failMode.GetString() : null);
        Assert.Equal(ExitCode(want), run.ExitCode);
    }

    private static int ExitCode(CaseAnswer want) => (want.Verdict, want.Conformance) switch
    {
        ("ALLOW" or "DRYRUN", _) => 0,
        ("DENY", "NON_CONFORMANT") => 1,
        _ => 3,
    };
}
