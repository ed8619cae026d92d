namespace PolicyService.Server.Shedding;

/// <summary>
/// Says when there is more to do than can be done, and how much of it is let in: when work has waited too long for a thread, and not only for a
/// moment, less is let in, step by step until it waits no more; then more again. (The idea is that of CoDel, RFC 8289: a queue that stands is bad, one
/// that comes and goes is what queues are for.)
/// </summary>
/// <param name="time">The machine's clock, whatever decisions go by: it is the machine that is busy.</param>
internal sealed class OverloadControl(TimeProvider time)
{
    /// <summary>How often the wait is looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Work that waits longer than this, look after look, is too much of it.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromMilliseconds(50);

    /// <summary>Looks that all have to see a long wait: a pause of the collector or of the machine is shorter.</summary>
    public const int Looks = 4;

    /// <summary>
    /// Pieces of work in line, below which no wait is too long: so few that others must keep the machine busy, and refusing would free nothing.
    /// </summary>
    public const long FewInLine = 200;

    /// <summary>
    /// Images a second that are let in whatever the wait: if so few are too many it is not the service that keeps the machine busy.
    /// </summary>
    public const double Least = 200;

    /// <summary>The same as a share of what was let in when the overload began: refusing has a cost too, so that letting in less frees nothing below it.</summary>
    private const double LeastShare = 0.1;

    private const double FirstCut = 0.9;
    private const double Cut = 0.85;
    private const double Growth = 1.03;

    /// <summary>Looks without a refusal after which it is over.</summary>
    private const int LooksToCalm = 20;

    private readonly TimeSpan[] _waits = new TimeSpan[Looks];
    private volatile FairShares? _shares;
    private long _wait;
    private long _lookedAt = time.GetTimestamp();
    private int _looks;
    private int _cutAt;
    private int _refusedAt;
    private double? _limit;
    private double _least;

    /// <summary>Everybody may come in, and nobody is counted. A hot request asks for nothing more than this.</summary>
    public bool IsCalm => _shares is null;

    /// <summary>How long work waited for a thread at the last look.</summary>
    public TimeSpan Wait => new(Volatile.Read(ref _wait));

    /// <summary>Images a second that are let in; null: as many as come.</summary>
    public double? Limit => _limit;

    /// <summary>Asks for images; callable by many threads.</summary>
    /// <returns>False: the caller has had its share of what can be done.</returns>
    public bool TryEnter(string caller, int images) => _shares is not { } shares || shares.TryTake(caller, images);

    /// <summary>Takes a look; called every <see cref="Interval"/> by one thread.</summary>
    /// <param name="wait">How long work waits for a thread now.</param>
    /// <param name="inLine">Pieces of work that wait.</param>
    public void Observe(TimeSpan wait, long inLine)
    {
        Volatile.Write(ref _wait, wait.Ticks);
        wait = inLine < FewInLine ? TimeSpan.Zero : wait;
        var now = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_lookedAt, now);
        _lookedAt = now;
        _waits[++_looks % Looks] = wait;
        if (_shares is not { } shares)
        {
            // From the first long wait on callers are counted: when it has become a standing one it is known who asks for how much.
            _shares = wait > Bound ? new FairShares() : null;
        }
        else if (elapsed > TimeSpan.Zero)
        {
            var (letInRate, refused) = shares.Count(elapsed);
            _refusedAt = refused > 0 ? _looks : _refusedAt;
            Adapt(wait, letInRate);
            if (_limit is { } limit)
            {
                shares.Divide(limit, elapsed);
            }
        }
    }

    private void Adapt(TimeSpan wait, double letInRate)
    {
        var (stands, isGone) = (_waits.All(one => one > Bound), _waits.All(one => one <= Bound));
        if (_limit is not { } limit)
        {
            if (stands)
            {
                _least = Math.Max(Least, letInRate * LeastShare);
                Set(letInRate * FirstCut);
                (_cutAt, _refusedAt) = (_looks, _looks);
            }
            else if (isGone)
            {
                _shares = null;
            }
        }
        else if (stands && _looks - _cutAt >= Looks)
        {
            // As many looks later: what a cut has brought about is seen by then.
            Set(Math.Min(limit, letInRate) * Cut);
            _cutAt = _looks;
        }
        else if (isGone && _looks - _refusedAt >= LooksToCalm)
        {
            (_shares, _limit) = (null, null);
        }
        else if (wait <= Bound / 2)
        {
            Set(limit * Growth);
        }
    }

    private void Set(double limit) => _limit = Math.Max(_least, limit);
}
