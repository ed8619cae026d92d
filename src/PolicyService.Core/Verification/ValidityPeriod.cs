using System.Globalization;

namespace PolicyService.Core.Verification;

/// <summary>
/// The time within which a signature holds: from the first instant on, and before the second. The default value holds at no
/// time.
/// </summary>
public readonly record struct ValidityPeriod(DateTimeOffset From, DateTimeOffset Until)
{
    public static ValidityPeriod Always { get; } = new(DateTimeOffset.MinValue, DateTimeOffset.MaxValue);

    public bool Contains(DateTimeOffset time) => From <= time && time < Until;

    /// <summary>What both allow.</summary>
    public ValidityPeriod Within(ValidityPeriod other) =>
        new(From > other.From ? From : other.From, Until < other.Until ? Until : other.Until);

    /// <summary>Why it does not hold at the time; lower case, no full stop.</summary>
    public string Explain(DateTimeOffset time) =>
        Until <= From ? "the signature was made when its key held no more"
        : time < From ? $"the signature does not hold before {Text(From)}"
        : $"the signature, or the key that made it, expired at {Text(Until)}";

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
