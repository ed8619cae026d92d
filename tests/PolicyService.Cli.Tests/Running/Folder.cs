namespace PolicyService.Cli.Tests.Running;

/// <summary>A directory of one test, and a policy to ask.</summary>
public sealed class Folder : IDisposable
{
    public const string RequireByNamespace = """
        name: projects/acme/policy
        defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
        kubernetesServiceAccountAdmissionRules:
          shop:web: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
          shop:default: {evaluationMode: ALWAYS_DENY, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}
        """;

    public Folder() => Path = Directory.CreateTempSubdirectory("policyctl-test-").FullName;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public static string TestData(params string[] parts)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!Directory.Exists(System.IO.Path.Combine(folder!.FullName, "tests", "testdata")))
        {
            folder = folder.Parent;
        }

        return System.IO.Path.Combine([folder.FullName, "tests", "testdata", .. parts]);
    }

    /// <summary>Writes a file and gives its path.</summary>
    public string Write(string name, string content) => Write(name, System.Text.Encoding.UTF8.GetBytes(content));

    public string Write(string name, byte[] content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
