using System.Runtime.InteropServices;

namespace PolicyService.Server.Tests;

/// <summary>What the base library has no word for.</summary>
internal static class Native
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>At which PostgreSQL ends at once, without a word to its clients.</summary>
    public const int SigQuit = 3;

    public const int SigStop = 19;
    public const int SigContinue = 18;

    /// <summary>Renames the path itself, where the library would follow a link.</summary>
    public static void Rename(string from, string to) => Assert.Equal(0, rename(from, to));

    public static void Signal(int process, int signal) => Assert.Equal(0, kill(process, signal));

    [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int rename(string from, string to);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);
}
