using PolicyService.Evidence.Documents;

namespace PolicyService.Evidence.Tests.Documents;

/// <summary>
/// A directory as a cluster mounts a ConfigMap: every name is a link through <c>..data</c>, which leads to the version in force and is
/// replaced in one step.
/// </summary>
internal sealed class ConfigMap(TestDirectory directory)
{
    /// <summary>Which version is in force; versions are named by one letter.</summary>
    public char Current { get; private set; }

    /// <summary>A policy, and the attestors it requires: each names its version, and the files of all versions are equally long.</summary>
    public void Prepare(params ReadOnlySpan<char> versions)
    {
        foreach (var version in versions)
        {
            directory.Write($"..{version}/policy.yaml", Texts.Require($"x{version}").Replace("]", $", projects/acme/attestors/y{version}]", StringComparison.Ordinal));
            directory.Write($"..{version}/attestors/x.yaml", Texts.Attestor($"x{version}", "n"));
            directory.Write($"..{version}/attestors/y.yaml", Texts.Attestor($"y{version}", "n"));
            directory.Write($"..{version}/options.yaml", Texts.Options(version - 'a' + 1));
        }

        directory.Link("policy.yaml", "..data/policy.yaml");
        directory.Link("options.yaml", "..data/options.yaml");
        directory.Link("attestors", "..data/attestors");
    }

    public void Swap(char version)
    {
        directory.Link("..data_tmp", $"..{version}");
        Posix.Rename(directory.PathOf("..data_tmp"), directory.PathOf("..data"));
        Current = version;
    }

    /// <summary>The versions the four files of a reading are of: one letter if it is of one state.</summary>
    public static string VersionsOf(DirectoryReading reading)
    {
        var project = reading.Documents.Projects.Single();
        Assert.Equal(2, project.Attestors.Count);
        char[] versions =
        [
            .. project.Policy!.DefaultRule.RequireAttestationsBy.Concat(project.Attestors.Select(attestor => attestor.Name)).Select(name => name.Id[^1]),
            (char)('a' - 1 + (int)project.Options.MaxSnapshotAge.TotalHours),
        ];
        return new string([.. versions.Distinct().Order()]);
    }
}
