using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PolicyService.Cli.Demo;

/// <summary>What the base library has no call for: asking a process to end.</summary>
internal static partial class Signals
{
    private const int SigTerm = 15;

    /// <summary>SIGTERM to this one process, which we started; where there are no signals, its end.</summary>
    public static void Terminate(Process process)
    {
        if (OperatingSystem.IsWindows())
        {
            process.Kill();
            return;
        }

        // A failure means that it has ended meanwhile; the caller waits for the end in any case.
        _ = Kill(process.Id, SigTerm);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
