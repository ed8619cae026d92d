using System.Runtime.InteropServices;

namespace PolicyService.Cli.Demo;

/// <summary>How to start the server that stands beside policyctl.</summary>
internal sealed record ServerCommand(string Program, string WorkingDirectory, IReadOnlyList<string> Arguments)
{
    private const string Name = "PolicyService.Server";

    public static ServerCommand Find(DemoDocuments documents) => Find(
        "--Urls:Grpc", "http://127.0.0.1:0",
        "--Urls:Http", "http://127.0.0.1:0",
        "--Policies:Directory", documents.Directory,
        "--Audit:File", documents.AuditFile);

    /// <exception cref="DemoException">There is no server beside policyctl.</exception>
    public static ServerCommand Find(params string[] flags)
    {
        var directory = Path.Combine(AppContext.BaseDirectory, "server");
        var assembly = Path.Combine(directory, $"{Name}.dll");
        if (File.Exists(assembly) && DotnetHost() is { } host)
        {
            return new ServerCommand(host, directory, [assembly, .. flags]);
        }

        var executable = Path.Combine(directory, OperatingSystem.IsWindows() ? $"{Name}.exe" : Name);
        return File.Exists(executable)
            ? new ServerCommand(executable, directory, flags)
            : throw new DemoException($"there is no server in {directory}: build policyctl from its project, or publish it, and keep that folder beside it");
    }

    /// <summary>
    /// The `dotnet` that runs us: by its own name, or three levels above the shared runtime in use. None where policyctl was
    /// published with its own runtime; the server then has one too.
    /// </summary>
    private static string? DotnetHost()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        if (Environment.ProcessPath is { } self && Path.GetFileName(self) == name)
        {
            return self;
        }

        var host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(host) ? host : null;
    }
}
