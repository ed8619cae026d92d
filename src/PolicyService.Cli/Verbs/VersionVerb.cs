using System.CommandLine;
using System.Reflection;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl version</c>.</summary>
internal static class VersionVerb
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb("version", "Prints the version of policyctl.", "policyctl version");
        verb.SetAction(_ => terminal.Text.WriteLine($"policyctl {Version}"));
        return verb;
    }

    public static string Version =>
        typeof(VersionVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
