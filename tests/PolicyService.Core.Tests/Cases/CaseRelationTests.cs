using System.Text;
using PolicyService.Core.Policies;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Cases;

/// <summary>What must hold between a case and the same case with one thing changed, whatever its answer is.</summary>
public sealed class CaseRelationTests
{
    private static readonly string[] AlwaysEnforced = ["REVOKED", "NO_POLICY", "CLUSTER_UNKNOWN"];

    private static IEnumerable<CaseFolder> Decided => CaseFolder.Names.Select(CaseFolder.Load).Where(folder => folder.Want().Error is null);

    [Fact]
    [Trait("attack", "104"), Trait("attack", "105")]
    public void Dry_run_gives_the_reasons_enforcement_would_give()
    {
        var denied = Decided.Where(folder => folder.Want() is { Verdict: "DENY", Reasons: var reasons } && !reasons!.Any(reason => AlwaysEnforced.Contains(reason.Code)))
            .Where(folder => !Text(folder).Contains("DRYRUN", StringComparison.Ordinal) && !IsRefused(folder, "clusters.yaml"))
            // An enforced part that fails open lets another decide alone; in dry run nothing fails open.
            .Where(folder => !Text(folder).Contains("failMode: OPEN", StringComparison.Ordinal))
            .ToArray();

        Assert.InRange(denied.Length, 100, 1_000);
        Assert.All(denied, folder =>
        {
            var dry = CaseRun.Ask(folder, folder.Request(), Replaced(folder, ("ENFORCED_BLOCK_AND_AUDIT_LOG", "DRYRUN_AUDIT_LOG_ONLY"), ("mode: ENFORCE", "mode: DRYRUN")));

            Assert.Equal(Shown(folder.Name, folder.Want() with { Verdict = "DRYRUN", FailMode = null }), Shown(folder.Name, dry));
        });
    }

    [Fact]
    [Trait("attack", "100"), Trait("attack", "101")]
    public void Break_glass_admits_and_keeps_what_it_overrides()
    {
        var honoured = Decided.Where(folder => folder.Request().BreakGlass is null && folder.Question.Facts?.Grants is null).ToArray();

        Assert.All(honoured, folder =>
        {
            var (want, broken) = (folder.Want(), CaseRun.Ask(folder, folder.Request() with { BreakGlass = new CaseBreakGlass("a reason") }, folder.Documents()));

            Assert.Equal(("ALLOW", want.Conformance, true), (broken.Verdict, broken.Conformance, broken.BreakGlass));
            Assert.Equal((want.Verdict, want.Conformance), (broken.OverriddenVerdict, broken.OverriddenConformance));
            Assert.Equal(["BREAK_GLASS", .. want.Reasons!.Select(reason => reason.Text)], [broken.Reasons![0].Code, .. broken.Reasons.Skip(1).Select(reason => reason.Text)]);
        });
    }

    [Fact]
    [Trait("attack", "50")]
    public void Order_of_attestations_does_not_matter()
    {
        var several = Decided.Where(folder => Attestations(folder.Documents()).Length > 1).ToArray();

        Assert.InRange(several.Length, 10, 1_000);
        Assert.All(several, folder =>
        {
            var documents = folder.Documents();
            var paths = Attestations(documents);
            var reversed = paths.Zip(paths.Reverse(), (path, content) => (path, documents[content])).ToDictionary(pair => pair.path, pair => pair.Item2);
            var changed = documents.Where(document => !reversed.ContainsKey(document.Key)).Concat(reversed).ToDictionary();

            Assert.Equal(Shown(folder.Name, folder.Want()), Shown(folder.Name, CaseRun.Ask(folder, folder.Request(), changed)));
        });
    }

    [Fact]
    public void Explanation_and_preview_change_nothing() => Assert.All(Decided, folder => Assert.Equal(
        Shown(folder.Name, folder.Want()),
        Shown(folder.Name, CaseRun.Ask(folder, folder.Request() with { Explain = true, Preview = true }, folder.Documents()))));

    [Fact]
    public void Labels_and_annotations_decide_nothing()
    {
        var marks = new Dictionary<string, string> { ["image-policy.k8s.io/break-glass"] = "true", ["alpha.image-policy.k8s.io/break-glass"] = "true" };

        Assert.All(Decided, folder => Assert.Equal(
            Shown(folder.Name, folder.Want()),
            Shown(folder.Name, CaseRun.Ask(folder, folder.Request() with { Labels = marks, Annotations = marks }, folder.Documents()))));
    }

    private static string Shown(string name, CaseAnswer answer) => ExpectedTable.Line(name, answer);

    private static string Text(CaseFolder folder) => string.Concat(folder.Documents().Values.Select(Encoding.UTF8.GetString));

    private static bool IsRefused(CaseFolder folder, string path) => folder.Documents().TryGetValue(path, out var content) && DocumentFiles.Parse(path, content).Content is null;

    private static string[] Attestations(IReadOnlyDictionary<string, byte[]> documents) =>
        [.. documents.Keys.Where(path => path.StartsWith("attestations/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static Dictionary<string, byte[]> Replaced(CaseFolder folder, params (string Old, string New)[] changes) => folder.Documents().ToDictionary(
        document => document.Key,
        document => Encoding.UTF8.GetBytes(changes.Aggregate(Encoding.UTF8.GetString(document.Value), (text, change) => text.Replace(change.Old, change.New, StringComparison.Ordinal))));
}
