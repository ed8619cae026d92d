using System.Diagnostics.CodeAnalysis;
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

    /// <summary>The same at the first reading, which has no version before it to serve meanwhile.</summary>
    private const int FirstAttempts = 50;

    /// <summary>Polls in a row that may find the directory in change and still call the version held current.</summary>
    private const int PatientPolls = 1;

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

    private DirectoryState _state = DirectoryState.Empty;
    private DirectoryReading? _last;
    private int _restlessPolls;

    public string Root => root;

    /// <summary>Reads what changed.</summary>
    /// <exception cref="IOException">The directory itself cannot be read, or never stood still; what was held stays held.</exception>
    /// <exception cref="UnauthorizedAccessException">As before.</exception>
    public DirectoryReading Read()
    {
        if (!TryReadWhole(_last is null ? FirstAttempts : Attempts, out var read))
        {
            // Half of one version and half of the next would be a policy that nobody wrote.
            return _last is not null && ++_restlessPolls <= PatientPolls
                ? _last with { Changed = false }
                : throw new IOException("the directory changed during every reading of it");
        }

        _restlessPolls = 0;
        var changed = read.DiffersFrom(_state);
        _state = read;
        if (changed || _last is null)
        {
            var problems = read.Held.Values.SelectMany(file => file.Problems).Concat(read.Dangling.Select(LeadsNowhere)).ToList();
            _last = new DirectoryReading(changed, DocumentFiles.Assemble([.. read.Held.Values.Select(file => file.Good)], problems), problems);
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

    /// <summary>Reads one state of the directory: what changes while it is read, as a ConfigMap that swaps all its files, is read again.</summary>
    private bool TryReadWhole(int attempts, [NotNullWhen(true)] out DirectoryState? read)
    {
        for (; attempts > 0; attempts--)
        {
            try
            {
                var before = DirectoryScan.Of(root);
                read = ReadState(before);
                if (before.Equals(DirectoryScan.Of(root)))
                {
                    return true;
                }
            }
            catch (DirectoryNotFoundException) when (Directory.Exists(root))
            {
                // One of its folders went while it was listed.
            }
        }

        read = null;
        return false;
    }

    private DirectoryState ReadState(DirectoryScan scan)
    {
        var held = new Dictionary<string, HeldFile>(scan.Files.Count, StringComparer.Ordinal);
        foreach (var (path, stamp) in scan.Files)
        {
            var before = _state.Held.GetValueOrDefault(path);
            held[path] = before is not null && before.Stamp == stamp && before.IsSettled ? before : ReadFile(path, stamp, before);
        }

        return new DirectoryState(held, scan.Dangling);
    }

    private HeldFile ReadFile(string path, FileStamp stamp, HeldFile? held)
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
            return Hold(new ParsedDocument(path, DocumentPlace.Of(path), null, [Unreadable(path, exception)]), stamp, "", held, isSettled: false);
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        return held is not null && held.Hash == hash
            ? held with { Stamp = stamp, IsSettled = isSettled }
            : Hold(DocumentFiles.Parse(path, content), stamp, hash, held, isSettled);
    }

    /// <summary>Keeps the last good content beside the problems of the newest one.</summary>
    private static HeldFile Hold(ParsedDocument read, FileStamp stamp, string hash, HeldFile? held, bool isSettled)
    {
        var good = read.Content is null && held?.Good.Content is not null ? held.Good : read;
        return new HeldFile(stamp, hash, good, read.Problems, isSettled);
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

    /// <summary>One state of the directory.</summary>
    private sealed record DirectoryState(IReadOnlyDictionary<string, HeldFile> Held, IReadOnlySet<string> Dangling)
    {
        public static DirectoryState Empty { get; } = new(new Dictionary<string, HeldFile>(), new HashSet<string>());

        public bool DiffersFrom(DirectoryState before) =>
            Held.Count != before.Held.Count
            || !Dangling.SetEquals(before.Dangling)
            || Held.Any(file => !before.Held.TryGetValue(file.Key, out var old) || old.Hash != file.Value.Hash);
    }
}
