using System.CommandLine;
using System.Reflection;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl version</c>.</summary>
internal static class VersionVerb
{
    public static Command Create()
    {
        var verb = new Verb("version", "Prints the version of policyctl.", "policyctl version");
        verb.SetAction(_ => Console.Out.WriteLine($"policyctl {Version}"));
        return verb;
    }

    private static string Version =>
        typeof(VersionVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
