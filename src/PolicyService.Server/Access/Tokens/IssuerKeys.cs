using PolicyService.Core.Access;

namespace PolicyService.Server.Access.Tokens;

/// <summary>
/// An issuer and its keys as they were last read, from a file or by discovery. A set that cannot be read leaves the last one; without any,
/// no token of the issuer counts.
/// </summary>
internal sealed class IssuerKeys
{
    /// <summary>Between looks that tokens of unknown keys bring about, and after failures: nobody makes the service ask more often.</summary>
    public static readonly TimeSpan Gap = TimeSpan.FromSeconds(2);

    private readonly KeyDiscovery _discovery;
    private readonly AccessProblems _problems;
    private readonly AccessChanges _changes;
    private readonly TimeProvider _time;
    private readonly WatchedFile? _file;
    private readonly Lock _starting = new();
    private Task _reading = Task.CompletedTask;
    private long? _readAt;
    private bool _failed;
    private KeySet? _current;

    public IssuerKeys(TrustedIssuer issuer, KeyDiscovery discovery, AccessProblems problems, AccessChanges changes, TimeProvider time)
    {
        (Issuer, _discovery, _problems, _changes, _time) = (issuer, discovery, problems, changes, time);
        _file = issuer.KeysFile is null ? null : new WatchedFile(issuer.KeysFile);
    }

    public TrustedIssuer Issuer { get; }

    /// <summary>Null: none could be read so far.</summary>
    public KeySet? Current => Volatile.Read(ref _current);

    /// <summary>Name for the log and for readiness.</summary>
    public string Subject => $"issuer {Core.Documents.Shown.Value(Issuer.Issuer)}";

    /// <summary>Looks at the file if there is one, and asks the issuer when it is time; does not wait for its answer.</summary>
    public void Look(TimeSpan interval)
    {
        if (_file is not null)
        {
            ReadFile();
        }
        else
        {
            _ = ReadAfter(Volatile.Read(ref _failed) && Gap < interval ? Gap : interval);
        }
    }

    /// <summary>Asks the issuer once more because a token has a key that is not known, unless that was done a moment ago.</summary>
    /// <returns>Ends when the keys are as new as they will be.</returns>
    public Task LookAgainAsync(CancellationToken cancellation) => _file is not null ? Task.CompletedTask : ReadAfter(Gap).WaitAsync(cancellation);

    /// <summary>Joins the reading under way, or starts one if the last began longer ago than this.</summary>
    private Task ReadAfter(TimeSpan age)
    {
        lock (_starting)
        {
            if (_reading.IsCompleted && (_readAt is null || _time.GetElapsedTime(_readAt.Value) >= age))
            {
                _readAt = _time.GetTimestamp();
                _reading = Task.Run(DiscoverAsync);
            }

            return _reading;
        }
    }

    private async Task DiscoverAsync()
    {
        try
        {
            Replace(await _discovery.ReadAsync(Issuer.Issuer, CancellationToken.None));
        }
        catch (KeySetException exception)
        {
            Fail(exception.Message);
        }
    }

    private void ReadFile()
    {
        try
        {
            if (_file!.TryReadNew(out var content))
            {
                Replace(KeySetParser.Parse(content));
            }
        }
        catch (Exception exception) when (exception is KeySetException or IOException)
        {
            Fail(exception.Message);
        }
    }

    private void Replace(KeySet keys)
    {
        Volatile.Write(ref _failed, false);
        _problems.Set(Subject, null);
        if (Current is not { } old || !keys.IsSame(old))
        {
            Volatile.Write(ref _current, keys);
            _changes.Tell();
        }
    }

    private void Fail(string problem)
    {
        Volatile.Write(ref _failed, true);
        _problems.Set(Subject, $"its keys cannot be read: {problem}");
    }
}
