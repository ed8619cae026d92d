using System.Collections.Concurrent;
using PolicyService.Core;

namespace PolicyService.Server.Shedding;

/// <summary>
/// What each caller asks for and gets while there is more to do than can be done. All get the same, except that who asks for less gets that
/// ("max-min fairness"): what it leaves is divided among the others.
/// </summary>
internal sealed class FairShares
{
    /// <summary>Credit is counted in parts of an image, so that it needs no lock.</summary>
    private const double Image = 1024;

    /// <summary>Of the latest count in what a caller is taken to ask for; the rest is what was thought before.</summary>
    private const double Newest = 0.25;

    /// <summary>How long a caller that asks for less than its share may save it up; seconds.</summary>
    private const double Saved = 0.2;

    /// <summary>How long a batch larger than its caller's share may take to be worked off, at most; seconds.</summary>
    private const double Owed = 1;

    /// <summary>Images a second; a caller that asks for fewer, and has its credit, is forgotten.</summary>
    private const double Idle = 0.05;

    private readonly ConcurrentDictionary<string, Share> _shares = new(StringComparer.Ordinal);
    private readonly Share _rest = new(0);
    private long _most;
    private volatile bool _isLimited;

    /// <summary>Asks for images; callable by many threads.</summary>
    /// <returns>False: the caller has had its share.</returns>
    public bool TryTake(string caller, int images)
    {
        var share = Of(caller);
        if (_isLimited)
        {
            if (Volatile.Read(ref share.Credit) <= 0)
            {
                Interlocked.Add(ref share.Refused, images);
                return false;
            }

            // A batch may take it below zero: else one larger than what can be saved up would never be let in.
            Interlocked.Add(ref share.Credit, -(long)(images * Image));
        }

        Interlocked.Add(ref share.LetIn, images);
        return true;
    }

    /// <summary>Looks at what was asked since the last look; called by one thread, as is <see cref="Divide"/>.</summary>
    /// <param name="elapsed">Since then.</param>
    /// <returns>Images let in a second, and images refused.</returns>
    public (double LetInRate, long Refused) Count(TimeSpan elapsed)
    {
        var (letIn, refused) = (0L, 0L);
        foreach (var share in All())
        {
            var (its, not) = (Interlocked.Exchange(ref share.LetIn, 0), Interlocked.Exchange(ref share.Refused, 0));
            var asked = (its + not) / elapsed.TotalSeconds;
            share.Demand = share.Demand is { } before ? before + (Newest * (asked - before)) : asked;
            (letIn, refused) = (letIn + its, refused + not);
        }

        return (letIn / elapsed.TotalSeconds, refused);
    }

    /// <summary>Gives each caller its part of what can be let in.</summary>
    /// <param name="limit">Images a second, of all callers together.</param>
    /// <param name="elapsed">Since the last time.</param>
    public void Divide(double limit, TimeSpan elapsed)
    {
        var level = Level([.. All().Select(share => share.Demand ?? 0).Order()], limit);
        var (most, least) = (Math.Max(Image, level * Saved * Image), -level * Owed * Image);
        // Before the first time nobody has spent anything.
        var refill = _isLimited ? level * elapsed.TotalSeconds * Image : most;
        Volatile.Write(ref _most, (long)most);
        foreach (var (caller, share) in _shares)
        {
            Refill(share, refill, most, least);
            if (share.Demand < Idle && Volatile.Read(ref share.Credit) >= (long)most)
            {
                _shares.TryRemove(caller, out _);
            }
        }

        Refill(_rest, refill, most, least);
        _isLimited = true;
    }

    /// <summary>What a caller may have at most, so that all together have the limit.</summary>
    /// <param name="demands">What each asks for, the least first.</param>
    /// <param name="limit">What there is.</param>
    internal static double Level(double[] demands, double limit)
    {
        var left = limit;
        for (var caller = 0; caller < demands.Length; caller++)
        {
            var share = left / (demands.Length - caller);
            if (demands[caller] > share)
            {
                return share;
            }

            left -= demands[caller];
        }

        // There is enough: whoever asks for more than before may have what is left.
        return left + demands.LastOrDefault();
    }

    private static void Refill(Share share, double refill, double most, double least)
    {
        var credit = Volatile.Read(ref share.Credit);
        Interlocked.Add(ref share.Credit, (long)Math.Clamp(credit + refill, least, most) - credit);
    }

    private IEnumerable<Share> All() => _shares.Select(pair => pair.Value).Append(_rest);

    private Share Of(string caller) =>
        _shares.TryGetValue(caller, out var known) ? known
        : _shares.Count >= Limits.Callers ? _rest
        : _shares.GetOrAdd(caller, _ => new Share(Volatile.Read(ref _most)));

    /// <summary>Of one caller.</summary>
    /// <param name="credit">Whoever is new has saved up as much as anybody can.</param>
    private sealed class Share(long credit)
    {
        public long Credit = credit;
        public long LetIn;
        public long Refused;

        /// <summary>Images asked for a second; null: it was not looked at yet.</summary>
        public double? Demand;
    }
}
