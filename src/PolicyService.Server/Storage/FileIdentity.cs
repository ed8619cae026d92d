using System.Runtime.InteropServices;

namespace PolicyService.Server.Storage;

/// <summary>Device and inode: which file a path leads to, whatever it is called.</summary>
internal sealed partial record FileIdentity(ulong Device, ulong Inode)
{
    private const int CurrentDirectory = -100;
    private const uint InodeMask = 0x100;

    // Places in struct statx, which are the same on every Linux.
    private const int StatxBytes = 256;
    private const int InodePlace = 32;
    private const int DevicePlace = 136;

    /// <summary>Null: nothing is there, or this system does not tell.</summary>
    public static FileIdentity? Of(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var found = new byte[StatxBytes];
        return Statx(CurrentDirectory, path, 0, InodeMask, found) == 0
            ? new FileIdentity(Read(found, DevicePlace), Read(found, InodePlace))
            : null;
    }

    private static ulong Read(byte[] bytes, int place) => MemoryMarshal.Read<ulong>(bytes.AsSpan(place));

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, [Out] byte[] buffer);
}
