using System.Text.RegularExpressions;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>deploy/Dockerfile: what it publishes starts, runs as nobody in particular, and is published by the very commands it has.</summary>
public sealed partial class DockerfileTests : IDisposable
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Overlay.Source, ".."));
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Overlay.Source, "Dockerfile"));

    private readonly Folder _folder = new();

    [Fact]
    public async Task Publish_commands_give_programs_that_start()
    {
        CopyContext();
        var commands = Lines.Where(line => line.StartsWith("RUN ", StringComparison.Ordinal)).Select(line => line["RUN ".Length..]).ToList();
        Assert.All(commands, command => Assert.StartsWith("dotnet publish ", command, StringComparison.Ordinal));
        foreach (var command in commands)
        {
            var start = Start("bash", "-c", command.Replace("/out/", _folder["out"] + "/", StringComparison.Ordinal));
            start.WorkingDirectory = _folder["source"];
            start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
            start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
            start.Environment["UseSharedCompilation"] = "false";
            var published = await Policyctl.RunAsync(start);
            Assert.True(published.ExitCode == 0, $"{command}: {published.Text} {published.Error}");
        }

        var stages = Stages().Matches(string.Join('\n', Lines)).ToDictionary(match => match.Groups["stage"].Value, match => (From: match.Groups["out"].Value, Program: match.Groups["program"].Value));
        Assert.Equal(["kubernetes", "policyctl", "server"], stages.Keys.Order());
        foreach (var (stage, (from, program)) in stages)
        {
            // An unknown flag and no settings: both stop the start with 2 and one line, and so they are read.
            var run = await Policyctl.RunAsync(Start("dotnet", Path.Combine(_folder["out"], from, program), "--Nonsense:Flag=1"));
            Assert.True(run.ExitCode == 2 && run.Output.Length == 0 && run.Error.Length > 0, $"{stage}: {run.ExitCode} {run.Text} {run.Error}");
            Assert.DoesNotContain("Unhandled", run.Error, StringComparison.Ordinal);
        }

        var help = await Policyctl.RunAsync(Start("dotnet", Path.Combine(_folder["out"], "policyctl", "policyctl.dll"), "version"));
        Assert.Equal((0, ""), (help.ExitCode, help.Error));
    }

    [Fact]
    public void Images_run_as_a_number_that_is_not_root_and_the_manifests_say_the_same()
    {
        Assert.Equal(["USER 1654"], Lines.Where(line => line.StartsWith("USER ", StringComparison.Ordinal)));
        Assert.Contains("runAsUser: 1654", File.ReadAllText(Path.Combine(Overlay.Source, "kubernetes", "base", "service.yaml")), StringComparison.Ordinal);
        Assert.Single(Lines, line => line.StartsWith("FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled AS runtime", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines, line => line.StartsWith("ADD ", StringComparison.Ordinal) || line.Contains("--chown=root", StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>What `COPY . .` copies: .dockerignore names what is let through, and what of it is not.</summary>
    private void CopyContext()
    {
        var rules = File.ReadAllLines(Path.Combine(Root, ".dockerignore")).Where(line => line.Length > 0 && line[0] != '#').ToList();
        Assert.Equal("*", rules[0]);
        Assert.Equal(["**/bin", "**/obj"], rules.Where(rule => rule[0] == '*').Skip(1));
        foreach (var name in rules.Where(rule => rule[0] == '!').Select(rule => rule[1..]))
        {
            var path = Path.Combine(Root, name);
            foreach (var file in File.Exists(path) ? [path] : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
            {
                var relative = Path.GetRelativePath(Root, file);
                if (!relative.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
                {
                    _folder.Write(Path.Combine("source", relative), File.ReadAllBytes(file));
                }
            }
        }
    }

    private static System.Diagnostics.ProcessStartInfo Start(params string[] command)
    {
        var start = Overlay.StartInfo(command);
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        return start;
    }

    [GeneratedRegex("""^FROM runtime AS (?<stage>\w+)\nCOPY --from=build /out/(?<out>\w+) \.\n(?:EXPOSE [0-9 ]+\n)?ENTRYPOINT \["dotnet", "(?<program>[\w.]+)"\]$""", RegexOptions.Multiline)]
    private static partial Regex Stages();
}
