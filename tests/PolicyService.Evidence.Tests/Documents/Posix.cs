using System.Runtime.InteropServices;

namespace PolicyService.Evidence.Tests.Documents;

/// <summary>What the base library has no call for.</summary>
internal static class Posix
{
    private const uint CapabilityVersion3 = 0x20080522;
    private const uint OverrideAndSearch = (1u << 1) | (1u << 2); // CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH

    /// <summary>rename(2): replaces files and links in one step.</summary>
    public static void Rename(string from, string to) => Expect(rename(from, to));

    public static void MakePipe(string path) => Expect(mkfifo(path, 0x1A4)); // 0644

    public static void ChangeMode(string path, int mode) => Expect(chmod(path, (uint)mode));

    /// <summary>Does something for which file permissions count, even where the tests run as root.</summary>
    public static void WithPermissionsInForce(Action action)
    {
        uint[] header = [CapabilityVersion3, 0]; // 0: this thread
        var before = new uint[6];
        Expect(capget(header, before));
        var reduced = (uint[])before.Clone();
        reduced[0] &= ~OverrideAndSearch; // the effective set; the permitted one stays, so that this can be undone
        Expect(capset(header, reduced));
        try
        {
            action();
        }
        finally
        {
            Expect(capset(header, before));
        }
    }

    private static void Expect(int result)
    {
        if (result != 0)
        {
            throw new IOException($"error {Marshal.GetLastPInvokeError()}");
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int rename([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);

    [DllImport("libc", SetLastError = true)]
    private static extern int mkfifo([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);

    [DllImport("libc", SetLastError = true)]
    private static extern int chmod([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);

    [DllImport("libc", SetLastError = true)]
    private static extern int capget(uint[] header, [In, Out] uint[] data);

    [DllImport("libc", SetLastError = true)]
    private static extern int capset(uint[] header, uint[] data);
}
