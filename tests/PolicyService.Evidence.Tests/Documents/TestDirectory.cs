using System.Text;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;

namespace PolicyService.Evidence.Tests.Documents;

/// <summary>A documents directory on the real file system. Files bear the time of <see cref="Clock"/>.</summary>
internal sealed class TestDirectory : IDisposable
{
    public TestDirectory()
    {
        Root = Directory.CreateTempSubdirectory("documents-").FullName;
        Documents = new DocumentDirectory(Root, Clock);
    }

    public string Root { get; }

    public TestClock Clock { get; } = new();

    public DocumentDirectory Documents { get; }

    public string PathOf(string path) => Path.Combine(Root, path);

    public void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes in place, as <c>cat &gt; path</c> would.</summary>
    public void Write(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.WriteAllBytes(PathOf(path), content);
        File.SetLastWriteTimeUtc(PathOf(path), Clock.Now.UtcDateTime);
    }

    public void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.CreateSymbolicLink(PathOf(path), target);
    }

    public void Delete(string path) => File.Delete(PathOf(path));

    public DirectoryReading Read() => Documents.Read();

    /// <summary>Reads long after the last change, so that nothing is read again only because it is young.</summary>
    public DirectoryReading ReadSettled()
    {
        Clock.Now += TimeSpan.FromMinutes(1);
        Read();
        return Read();
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>Small documents, and what a reading shows of them.</summary>
internal static class Texts
{
    public const string Deny = "{name: projects/acme/policy, defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}}";

    /// <summary>As long as <see cref="Deny"/>, to the byte.</summary>
    public const string Allow = "{name: projects/acme/policy, defaultAdmissionRule: {evaluationMode: ALWAYS_ALLOW,enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}}";

    public const string Bad = "name: projects/acme/policy\ndefaultAdmissionRule:\n  evaluationMode: ALWAYS_SHRUG\n  enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG\n";

    public static string Attestor(string id, string note) =>
        $"{{name: projects/acme/attestors/{id}, userOwnedGrafeasNote: {{noteReference: projects/acme/notes/{note}}}}}";

    public static string Require(string attestor) =>
        $"{{name: projects/acme/policy, defaultAdmissionRule: {{evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [projects/acme/attestors/{attestor}]}}}}";

    public static string Occurrence(string note) =>
        $"{{noteName: projects/acme/notes/{note}, resourceUri: 'https://a.test/i@sha256:{new string('a', 64)}', attestation: {{serializedPayload: eA==, signatures: []}}}}";

    public static string PlatformPolicy(string id) => $"{{name: projects/acme/platforms/gke/policies/{id}, gkePolicy: {{}}}}";

    public static string Options(int hours) => $"maxSnapshotAge: {hours}h";

    public static string SystemPolicy(string name) => $"admissionWhitelistPatterns: [{{namePattern: 'a.test/{name}'}}]";

    public static string Clusters(string platform) => $"default: {{project: acme, platform: {platform}}}";

    /// <summary>Every document of a reading in a few words, in one line.</summary>
    public static string Shown(DirectoryReading reading) => string.Join("; ", [.. reading.Documents.Projects.SelectMany(Shown), .. ShownOfService(reading.Documents)]);

    private static IEnumerable<string> Shown(ProjectDocuments project) =>
    [
        .. project.Policy is { } policy ? [$"{project.Id} policy {policy.DefaultRule.Evaluation}"] : Array.Empty<string>(),
        .. project.Attestors.Select(attestor => $"attestor {attestor.Name.Id} {attestor.Note}"),
        .. project.Attestations.Select(attestation => $"attestation {attestation.Note}"),
        .. project.PlatformPolicies.Select(platform => $"platform policy {platform.Name}"),
        .. project.OptionsRefused ? ["options refused"] : Array.Empty<string>(),
        .. project.Options.MaxSnapshotAge.TotalHours is not 24 and var hours ? [$"options {hours} h"] : Array.Empty<string>(),
    ];

    private static IEnumerable<string> ShownOfService(DocumentSet documents) =>
    [
        .. documents.SystemPolicy is { } system
            ? [$"system policy {new[] { "a.test/a", "a.test/b" }.Single(name => system.Allowlist.Match(name) is not null)}"]
            : Array.Empty<string>(),
        .. documents.Clusters?.Default is { } cluster ? [$"clusters {cluster.Platform}"] : Array.Empty<string>(),
        .. documents.ClustersRefused ? ["clusters refused"] : Array.Empty<string>(),
    ];
}
