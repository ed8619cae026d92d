namespace PolicyService.Cli.Demo;

/// <summary>The environment of the demo's server: the caller's without its settings for servers, which would change the demo.</summary>
internal static class ServerEnvironment
{
    private static readonly string[] Prefixes = ["ASPNETCORE_", "Kestrel__", "Logging__"];

    /// <summary>Sections of the server's configuration (ARCHITECTURE section 4), which environment variables may set too.</summary>
    private static readonly string[] Sections = ["Store", "Redis", "Policies", "Audit", "Urls", "Access", "Auth", "Tls"];

    public static void Clean(IDictionary<string, string?> variables)
    {
        foreach (var name in variables.Keys.Where(IsSetting).ToArray())
        {
            variables.Remove(name);
        }

        variables.Remove("DOTNET_ENVIRONMENT");
    }

    private static bool IsSetting(string name) =>
        Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        || Sections.Any(section => name.StartsWith($"{section}__", StringComparison.OrdinalIgnoreCase));
}
