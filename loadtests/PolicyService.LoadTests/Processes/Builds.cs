using System.Runtime.InteropServices;

namespace PolicyService.LoadTests.Processes;

/// <summary>Where the servers stand that were built together with this program.</summary>
internal static class Builds
{
    /// <summary>The echo's assembly.</summary>
    public static string Echo => Find("loadtests", "PolicyService.Echo");

    /// <summary>The service's assembly.</summary>
    public static string Server => Find("src", "PolicyService.Server");

    /// <summary>The <c>dotnet</c> that runs us: three levels above the shared runtime in use.</summary>
    public static string Dotnet => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    /// <exception cref="LoadTestException">It was not built.</exception>
    private static string Find(string folder, string project)
    {
        // <root>/<folder>/<project>/bin/<configuration>/<framework>/
        var ours = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var root = ours.Parent?.Parent?.Parent?.Parent?.Parent;
        var assembly = root is null ? "" : Path.Combine(root.FullName, folder, project, "bin", ours.Parent!.Name, ours.Name, $"{project}.dll");
        return File.Exists(assembly)
            ? assembly
            : throw new LoadTestException(ExitCodes.NoTarget, $"there is no {project}.dll built in the same configuration: run the load test from a clone, `dotnet run -c Release --project loadtests/PolicyService.LoadTests`");
    }
}
