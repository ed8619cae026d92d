using System.Globalization;
using System.Text.Json.Serialization;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>The answer of <c>:evaluate</c> (GCLOUD_REST section 9); every verdict is CONFORMANT, NON_CONFORMANT or ERROR.</summary>
internal sealed record EvaluateReply(string Verdict, IReadOnlyList<PodReply> Results)
{
    public static EvaluateReply Of(IReadOnlyList<PodReply> pods) => new(Combine(pods.Select(pod => pod.Conformance)), pods);

    /// <summary>The conformance as the API spells it.</summary>
    public static string NameOf(Conformance conformance) => conformance switch
    {
        Conformance.Conformant => "CONFORMANT",
        Conformance.NonConformant => "NON_CONFORMANT",
        _ => "ERROR",
    };

    internal static string Combine(IEnumerable<Conformance> parts) => NameOf(Evaluator.Combine(parts));
}

internal sealed record PodReply(string PodName, string KubernetesNamespace, string KubernetesServiceAccount, IReadOnlyList<ImageReply> ImageResults)
{
    public string Verdict => EvaluateReply.NameOf(Conformance);

    [JsonIgnore]
    public Conformance Conformance => Evaluator.Combine(ImageResults.Select(image => image.Conformance));
}

internal sealed record ImageReply(string ImageUri, [property: JsonIgnore] Conformance Conformance)
{
    public string Verdict => EvaluateReply.NameOf(Conformance);

    public string? Explanation { get; init; }

    public AllowlistReply? AllowlistResult { get; init; }

    public CheckSetReply? CheckSetResult { get; init; }

    /// <summary>What settled the image before the policy was looked at: Google's answer has a place for its explanation only.</summary>
    public static ImageReply Of(ImageReference image, PartOutcome settled) => new(image.Text, settled.Conformance)
    {
        Explanation = string.Join("; ", settled.Reasons.Select(reason => reason.Text)),
    };

    public static ImageReply Of(ImageReference image, PlatformFinding finding) => new(image.Text, finding.Conformance)
    {
        AllowlistResult = AllowlistReply.Of(finding.Allowlisted),
        CheckSetResult = finding.CheckSet is { } set ? CheckSetReply.Of(set) : null,
        Explanation = finding switch
        {
            { Allowlisted: not null } => "the policy's allowlist spares the image",
            { CheckSet: null } => "no check set is for this pod",
            _ => null,
        },
    };
}

internal sealed record AllowlistReply(string MatchedPattern)
{
    public static AllowlistReply? Of(NamePattern? pattern) => pattern is null ? null : new AllowlistReply(pattern.Text);
}

/// <summary>The numbers are int64, which proto3 JSON writes as strings.</summary>
internal sealed record CheckSetReply(string Index, string DisplayName, ScopeReply Scope)
{
    public string? Explanation { get; init; }

    public AllowlistReply? AllowlistResult { get; init; }

    public CheckResultsReply? CheckResults { get; init; }

    public static CheckSetReply Of(CheckSetFinding finding) => new(
        finding.Index.ToString(CultureInfo.InvariantCulture), finding.Set.DisplayName, ScopeReply.Of(finding.Set.Scope))
    {
        AllowlistResult = AllowlistReply.Of(finding.Allowlisted),
        Explanation = finding.Allowlisted is not null ? "the check set's allowlist spares the image"
            : finding.Set.Checks is [AlwaysAllowCheck] ? "there are no checks for this pod"
            : null,
        CheckResults = finding.Allowlisted is null && finding.Set.Checks is not [AlwaysAllowCheck]
            ? new CheckResultsReply([.. finding.Results.Select((result, index) => CheckReply.Of(result, finding.Set.Checks[index], index))])
            : null,
    };
}

internal sealed record ScopeReply(string? KubernetesNamespace, string? KubernetesServiceAccount)
{
    public static ScopeReply Of(CheckSetScope scope) => new(OrNull(scope.Namespace), OrNull(scope.ServiceAccount));

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}

internal sealed record CheckResultsReply(IReadOnlyList<CheckReply> Results);

internal sealed record CheckReply(string Index, string DisplayName, string Type, CheckVerdict? EvaluationResult, AllowlistReply? AllowlistResult, string Explanation)
{
    public static CheckReply Of(CheckResult result, Check check, int index) => new(
        index.ToString(CultureInfo.InvariantCulture),
        check.DisplayName,
        result.Check,
        result.Allowlisted is null ? new CheckVerdict(EvaluateReply.NameOf(result.Conformance)) : null,
        AllowlistReply.Of(result.Allowlisted),
        result.Explanation);
}

internal sealed record CheckVerdict(string Verdict);
