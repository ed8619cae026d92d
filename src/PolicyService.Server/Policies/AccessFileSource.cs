using System.Collections.Frozen;
using System.Security.Cryptography;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Audits;

namespace PolicyService.Server.Policies;

/// <summary>
/// The access file. A version that cannot be read leaves the last one in force and is a problem of the documents; a source that does not
/// answer it never is, so that a typing error makes nothing stale.
/// </summary>
/// <param name="path">The file; null: there is none, and nobody is granted anything by one.</param>
/// <param name="log">Receives each change.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Hears of a start without a file.</param>
internal sealed partial class AccessFileSource(string? path, AccessLog log, TimeProvider time, ILogger<AccessFileSource> logger) : IDocumentSource
{
    private static readonly DocumentSet Nothing = new();

    /// <summary>
    /// A change counts that is still the same after this time. Half of a file may say more than all of it: <c>projects/acme</c> of
    /// <c>projects/acme/attestors/build</c>.
    /// </summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(50);

    /// <summary>Changes not handed over yet; one that comes while many wait is told with the next.</summary>
    private readonly Queue<AccessChangeRecord> _unrecorded = [];
    private byte[]? _content;
    private string? _failure;
    private AccessFile _file = AccessFile.Empty;
    private SourceReading? _reading;

    public string Place => path is null ? "access file" : $"access file {path}";

    /// <summary>What the file says before anything else is known.</summary>
    /// <exception cref="SettingsException">It cannot be used; the message is one line.</exception>
    public static AccessFile ReadAtStart(string file)
    {
        var problems = new ProblemList(file);
        try
        {
            return AccessFileParser.Parse(ReadAll(file), problems) ?? throw new SettingsException(
                $"the access file {file} cannot be read ({Shown(problems.Problems.First(problem => problem.Severity is ProblemSeverity.Error))}): {Remedy}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"the access file {file} cannot be read ({exception.GetType().Name}): {Remedy}");
        }
    }

    public async Task<SourceReading> ReadAsync(CancellationToken cancellation)
    {
        while (_unrecorded.TryPeek(out var record) && log.TryChanged(record))
        {
            _unrecorded.Dequeue();
        }

        return _reading = path is null ? Without() : await ReadAsync(path, cancellation);
    }

    private SourceReading Without()
    {
        if (_reading is null)
        {
            LogNoFile(logger);
        }

        return _reading is null ? Of(AccessFile.Empty, []) : _reading with { Changed = false };
    }

    private async Task<SourceReading> ReadAsync(string file, CancellationToken cancellation)
    {
        byte[] content;
        try
        {
            content = ReadAll(file);
            if (_reading is not null && !content.AsSpan().SequenceEqual(_content))
            {
                await Task.Delay(Settling, time, cancellation);
                if (!ReadAll(file).AsSpan().SequenceEqual(content))
                {
                    return _reading with { Changed = false };
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Refused(null, [Problem($"the file cannot be read ({exception.GetType().Name})", "let it be there, and give the service the right to read it")]);
        }

        if (_content is not null && _failure is null && content.AsSpan().SequenceEqual(_content))
        {
            return _reading! with { Changed = false };
        }

        var problems = new ProblemList(file);
        return AccessFileParser.Parse(content, problems) is { } parsed ? Accepted(content, parsed, problems.Problems) : Refused(content, problems.Problems);
    }

    private SourceReading Accepted(byte[] content, AccessFile parsed, IReadOnlyList<DocumentProblem> problems)
    {
        var isFirst = _reading is null;
        if (isFirst || _content is null || !content.AsSpan().SequenceEqual(_content))
        {
            // What was granted before the start is not known: the first record says which version it began with.
            var after = AccessEntry.Of(parsed);
            var record = AccessChangeRecord.Between(
                time.GetUtcNow(), AccessGrant.OfFile, path!, Convert.ToHexStringLower(SHA256.HashData(content)), isFirst ? after : AccessEntry.Of(_file), after);
            if (_unrecorded.Count > 0 || !log.TryChanged(record))
            {
                _unrecorded.Enqueue(record);
            }
        }

        (_content, _file, _failure) = (content, parsed, null);
        return Of(parsed with { Issuers = [.. parsed.Issuers.Select(Beside)] }, problems);
    }

    /// <summary>The last good version stays; each new problem is told once.</summary>
    private SourceReading Refused(byte[]? content, IReadOnlyList<DocumentProblem> problems)
    {
        var failure = string.Join('\n', problems) + (content is null ? "" : Convert.ToHexString(SHA256.HashData(content)));
        if (_reading is null)
        {
            throw new SourceUnavailableException(Shown(problems.First(problem => problem.Severity is ProblemSeverity.Error)), Remedy, new InvalidDataException(failure));
        }

        if (failure == _failure)
        {
            return _reading with { Changed = false };
        }

        _failure = failure;
        return _reading with { Changed = true, Problems = problems };
    }

    /// <summary>Files of keys are found beside this one.</summary>
    private TrustedIssuer Beside(TrustedIssuer issuer) => issuer.KeysFile is { } keys ? issuer with { KeysFile = Path.GetFullPath(keys, Path.GetDirectoryName(path)!) } : issuer;

    private SourceReading Of(AccessFile file, IReadOnlyList<DocumentProblem> problems)
    {
        var generation = (_reading?.Generation ?? 0) + 1;
        return new SourceReading(true, Nothing, problems, generation, generation)
        {
            Access = AccessRules.Build(file, FrozenDictionary<string, CompiledIamPolicy>.Empty),
        };
    }

    private static string Remedy => $"mend it, or {SettingsTable.AccessFile.Flag}";

    private static string Shown(DocumentProblem problem) => $"line {problem.Mark.Line}, column {problem.Mark.Column}: {problem.Message}; {problem.Remedy}";

    private DocumentProblem Problem(string message, string remedy) => new(path!, new Mark(1, 1), message, remedy, ProblemSeverity.Error);

    /// <summary>One byte more than a document may have is enough to refuse it.</summary>
    private static byte[] ReadAll(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
        using var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int length; content.Length <= Limits.MessageBytes && (length = stream.Read(buffer)) > 0;)
        {
            content.Write(buffer, 0, length);
        }

        return content.ToArray();
    }

    [LoggerMessage(5, LogLevel.Warning, "No access file is configured (--Access:File): nobody is granted anything but by stored IAM policies, and nobody may ask for decisions")]
    private static partial void LogNoFile(ILogger logger);
}
