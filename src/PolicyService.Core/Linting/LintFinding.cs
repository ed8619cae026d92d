using PolicyService.Core.Documents;

namespace PolicyService.Core.Linting;

/// <summary>One thing the linter has to say. The code is stable; the message is for people.</summary>
public sealed record LintFinding(LintRule Rule, string File, Mark Mark, string Message, string Remedy)
{
    public ProblemSeverity Severity => Rule.Severity;
}

/// <summary>What a linter looks for.</summary>
/// <param name="Code">Stable name, for suppressions and reports.</param>
/// <param name="Severity">An error denies or admits wrongly today; a warning may tomorrow.</param>
/// <param name="Summary">One line for the list of rules.</param>
public sealed record LintRule(string Code, ProblemSeverity Severity, string Summary)
{
    public static readonly LintRule Document = new("PS001", ProblemSeverity.Error, "The document is refused.");
    public static readonly LintRule DocumentPart = new("PS002", ProblemSeverity.Warning, "A part of the document does not count.");
    public static readonly LintRule DocumentMissing = new("PS003", ProblemSeverity.Warning, "A link leads to nothing, so what should be there counts as deleted.");
    public static readonly LintRule DanglingAttestor = new("PS010", ProblemSeverity.Error, "A rule names an attestor that does not exist.");
    public static readonly LintRule UnusedAttestor = new("PS011", ProblemSeverity.Warning, "No rule names the attestor.");
    public static readonly LintRule AttestorWithoutKeys = new("PS012", ProblemSeverity.Error, "The attestor has no keys, so nothing satisfies it.");
    public static readonly LintRule AttestorUnusable = new("PS013", ProblemSeverity.Error, "No key of the attestor is usable.");
    public static readonly LintRule WeakKey = new("PS014", ProblemSeverity.Warning, "The key is weak or will soon be.");
    public static readonly LintRule SharedKey = new("PS015", ProblemSeverity.Warning, "Two attestors share a key: one signer speaks for both.");
    public static readonly LintRule SharedKeyRefused = new("PS016", ProblemSeverity.Error, "Two attestors of one rule share a key that could satisfy both at once.");
    public static readonly LintRule KeyWithoutPin = new("PS017", ProblemSeverity.Error, "A rule needs a key kept in Cloud KMS that is not pinned, so it verifies nothing.");
    public static readonly LintRule KeyExpired = new("PS018", ProblemSeverity.Warning, "The PGP key has expired, or does not hold yet: it verifies nothing now.");
    public static readonly LintRule KeyExpiresSoon = new("PS019", ProblemSeverity.Warning, "The PGP key expires within 30 days.");
    public static readonly LintRule PatternMatchesSiblings = new("PS020", ProblemSeverity.Warning, "The pattern matches names that only begin like the one meant.");
    public static readonly LintRule PatternMatchesTag = new("PS021", ProblemSeverity.Warning, "The pattern admits an image by tag, which can move.");
    public static readonly LintRule PatternNeverMatches = new("PS022", ProblemSeverity.Error, "No image's normalised name matches the pattern.");
    public static readonly LintRule PatternShadowed = new("PS023", ProblemSeverity.Warning, "Another pattern matches everything this one does.");
    public static readonly LintRule AllowlistVoidsDeny = new("PS024", ProblemSeverity.Warning, "The allowlist has a whole registry, so a rule that denies all denies nothing there.");
    public static readonly LintRule PatternCoversRegistry = new("PS025", ProblemSeverity.Warning, "The pattern covers a public registry, where anybody can push, without naming an owner.");
    public static readonly LintRule RuleUnreachable = new("PS030", ProblemSeverity.Warning, "No request reaches the rule.");
    public static readonly LintRule RuleLikeDefault = new("PS031", ProblemSeverity.Warning, "The rule says what the default rule says.");
    public static readonly LintRule DryRunOfAllow = new("PS032", ProblemSeverity.Warning, "A dry run of a rule that allows all has no effect.");
    public static readonly LintRule DefaultBlocksNothing = new("PS033", ProblemSeverity.Warning, "The default rule is a dry run: it blocks nothing.");
    public static readonly LintRule EmptyCheckSet = new("PS040", ProblemSeverity.Warning, "A check set without checks, or a policy without check sets, allows every image.");
    public static readonly LintRule CheckUnavailable = new("PS041", ProblemSeverity.Warning, "This version cannot evaluate the check; it answers an error.");
    public static readonly LintRule DanglingPlatformPolicy = new("PS042", ProblemSeverity.Error, "A binding names a platform policy that does not exist.");
    public static readonly LintRule CheckSetShadowed = new("PS043", ProblemSeverity.Warning, "An earlier check set of the same scope is chosen first.");
    public static readonly LintRule BindingWithoutMode = new("PS044", ProblemSeverity.Warning, "A binding names no mode, so its platform policy only monitors.");
    public static readonly LintRule FailOpen = new("PS050", ProblemSeverity.Warning, "Errors of the service admit images.");
    public static readonly LintRule RevocationOfNobody = new("PS051", ProblemSeverity.Error, "A revocation names an attestor that does not exist, so it revokes nothing.");
    public static readonly LintRule OptionsOfNobody = new("PS052", ProblemSeverity.Warning, "Options are given for an attestor that does not exist.");
    public static readonly LintRule RegistryOfNobody = new("PS053", ProblemSeverity.Warning, "Signatures of registries are to count, and no registry is listed that may be asked.");
    public static readonly LintRule CredentialsInClear = new("PS054", ProblemSeverity.Warning, "Credentials for a registry travel over plain HTTP, readable for everybody on the way.");
    public static readonly LintRule NeverYoung = new("PS055", ProblemSeverity.Error, "The attestor takes signatures of registries alone, whose age is unknown, and wants young ones: nothing satisfies it.");

    /// <summary>Every rule, in the order of the codes.</summary>
    public static IReadOnlyList<LintRule> All { get; } =
    [
        Document, DocumentPart, DocumentMissing, DanglingAttestor, UnusedAttestor, AttestorWithoutKeys, AttestorUnusable, WeakKey, SharedKey, SharedKeyRefused, KeyWithoutPin,
        KeyExpired, KeyExpiresSoon, PatternMatchesSiblings, PatternMatchesTag, PatternNeverMatches, PatternShadowed, AllowlistVoidsDeny, PatternCoversRegistry,
        RuleUnreachable, RuleLikeDefault, DryRunOfAllow, DefaultBlocksNothing,
        EmptyCheckSet, CheckUnavailable, DanglingPlatformPolicy, CheckSetShadowed, BindingWithoutMode, FailOpen, RevocationOfNobody, OptionsOfNobody, RegistryOfNobody, CredentialsInClear, NeverYoung,
    ];
}
