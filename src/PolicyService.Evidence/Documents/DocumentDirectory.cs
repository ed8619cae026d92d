using System.Security.Cryptography;
using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Documents;

/// <summary>One reading of a documents directory.</summary>
/// <param name="Changed">Something differs from the reading before; only then <paramref name="Documents"/> is a new version.</param>
/// <param name="Documents">All documents, each file at its last good version.</param>
/// <param name="Problems">What is wrong now, files held at an older version included.</param>
public sealed record DirectoryReading(bool Changed, DocumentSet Documents, IReadOnlyList<DocumentProblem> Problems);

/// <summary>What stands in a documents directory at one moment, unparsed.</summary>
/// <param name="Files">Every file of the layout that can be read, by its path relative to the directory.</param>
/// <param name="Problems">The places where there should be a file and is none that can be read.</param>
public sealed record DirectoryContents(IReadOnlyList<(string Path, ReadOnlyMemory<byte> Content)> Files, IReadOnlyList<DocumentProblem> Problems);

/// <summary>
/// Documents in a directory of files (SEMANTICS section 5): each file is held at its last good version, a deletion is a deletion at
/// once, and a reading is of one state of the directory. Not thread-safe: one reader polls it.
/// </summary>
public sealed class DocumentDirectory(string root, TimeProvider time)
{
    /// <summary>How often a directory that changes while it is read is read again before the next poll gets its turn.</summary>
    private const int Attempts = 5;

    /// <summary>
    /// A file younger than this when it was read is read again at the next poll: a second write within the resolution of the file
    /// system's clock would leave no trace in its time.
    /// </summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Files up to this size that say who is trusted are read at every poll, whatever their time says: some tools write a file and set
    /// its old time again.
    /// </summary>
    private const int AlwaysReadBytes = 64 * 1024;

    private readonly Dictionary<string, HeldFile> _held = new(StringComparer.Ordinal);
    private DirectoryReading _last = new(false, new DocumentSet(), []);

    /// <summary>Something is held that no reading has told of. It outlives a reading that fails half way.</summary>
    private bool _hasNews;
    private IReadOnlySet<string> _dangling = new HashSet<string>();

    public string Root => root;

    /// <summary>Reads what changed.</summary>
    /// <exception cref="IOException">The directory itself cannot be read; what was held stays held.</exception>
    /// <exception cref="UnauthorizedAccessException">As before.</exception>
    public DirectoryReading Read()
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = DirectoryScan.Of(root);
            Apply(before);
            // A ConfigMap swaps all its files at once: what was read across the swap is read again.
            if (before.Equals(DirectoryScan.Of(root)))
            {
                break;
            }
        }

        var changed = _hasNews;
        if (changed || _last.Documents.Projects.Count == 0)
        {
            var problems = _held.Values.SelectMany(file => file.Problems).Concat(_dangling.Select(LeadsNowhere)).ToList();
            _last = new DirectoryReading(changed, DocumentFiles.Assemble([.. _held.Values.Select(file => file.Good)], problems), problems);
            _hasNews = false;
        }

        return _last with { Changed = changed };
    }

    /// <summary>The directory as it stands now; nothing is parsed or held.</summary>
    /// <exception cref="IOException">The directory cannot be listed.</exception>
    /// <exception cref="UnauthorizedAccessException">As before.</exception>
    public static DirectoryContents Contents(string root)
    {
        var scan = DirectoryScan.Of(root);
        var files = new List<(string Path, ReadOnlyMemory<byte> Content)>();
        var problems = scan.Dangling.Select(LeadsNowhere).ToList();
        foreach (var (path, stamp) in scan.Files)
        {
            try
            {
                files.Add((path, Content(stamp)));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                problems.Add(Unreadable(path, exception));
            }
        }

        return new DirectoryContents(files, problems);
    }

    private void Apply(DirectoryScan scan)
    {
        foreach (var path in _held.Keys.Except(scan.Files.Keys, StringComparer.Ordinal).ToArray())
        {
            _held.Remove(path);
            _hasNews = true;
        }

        _hasNews |= !_dangling.SetEquals(scan.Dangling);
        _dangling = scan.Dangling;
        foreach (var (path, stamp) in scan.Files)
        {
            var held = _held.GetValueOrDefault(path);
            if (held is null || held.Stamp != stamp || !held.IsSettled)
            {
                ReadFile(path, stamp, held);
            }
        }
    }

    private void ReadFile(string path, FileStamp stamp, HeldFile? held)
    {
        var isYoung = time.GetUtcNow().UtcDateTime - stamp.Written <= Settling;
        var isSettled = !isYoung && (stamp.Length > AlwaysReadBytes || DocumentPlace.Of(path).Kind is DocumentKind.Attestations);
        byte[] content;
        try
        {
            content = Content(stamp);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Gone between scan and read: the scan that follows tells. Unreadable: a problem of this file alone.
            Hold(path, new ParsedDocument(path, DocumentPlace.Of(path), null, [Unreadable(path, exception)]), stamp, "", held, isSettled: false);
            return;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        if (held is not null && held.Hash == hash)
        {
            _held[path] = held with { Stamp = stamp, IsSettled = isSettled };
            return;
        }

        Hold(path, DocumentFiles.Parse(path, content), stamp, hash, held, isSettled);
    }

    /// <summary>Keeps the last good content beside the problems of the newest one.</summary>
    private void Hold(string path, ParsedDocument read, FileStamp stamp, string hash, HeldFile? held, bool isSettled)
    {
        _hasNews |= held is null || held.Hash != hash;
        var good = read.Content is null && held?.Good.Content is not null ? held.Good : read;
        _held[path] = new HeldFile(stamp, hash, good, read.Problems, isSettled);
    }

    private static byte[] Content(FileStamp stamp)
    {
        // What has no length is empty, or a pipe or device, whose opening could wait for ever.
        if (stamp.Length == 0)
        {
            return [];
        }

        // Where the scan found it, so that a link swapped since then does not lead elsewhere.
        using var file = new FileStream(stamp.Place, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
        // One byte over the limit is enough for the parser to refuse the file, however long it is.
        var buffer = new byte[Math.Min(file.Length, Limits.MessageBytes + 1)];
        var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return buffer.AsSpan(0, length).ToArray();
    }

    private static DocumentProblem LeadsNowhere(string path) =>
        new(path, new Mark(1, 1), "the link leads to nothing, so the document counts as deleted", "delete the link, or put the file where it leads", ProblemSeverity.Warning);

    private static DocumentProblem Unreadable(string path, Exception exception) =>
        new(path, new Mark(1, 1), $"the file cannot be read: {exception.GetType().Name}", "give the service the right to read it", ProblemSeverity.Error);

    private sealed record HeldFile(FileStamp Stamp, string Hash, ParsedDocument Good, IReadOnlyList<DocumentProblem> Problems, bool IsSettled);
}
