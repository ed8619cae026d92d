using PolicyService.Api.V1;

namespace PolicyService.Api.Clients;

/// <summary>
/// The rule every caller keeps (SEMANTICS section 3): an answer that does not name the image and the cluster asked about, or has no
/// verdict, is a denial. Else a mixed-up or cut answer could admit an image nobody judged.
/// </summary>
public static class DecisionGuard
{
    /// <summary>Detail of the one reason a refusal has when the server did answer.</summary>
    public const string UnusableAnswer = "UNUSABLE_ANSWER";

    /// <summary>The answer if it answers the request, else a denial in its place.</summary>
    public static EvaluateResponse Accept(EvaluateRequest request, EvaluateResponse? response) =>
        FlawOf(request, response) is { } flaw ? Refuse(request, UnusableAnswer, flaw) : response!;

    /// <summary>
    /// The denial of a caller that got no decision: conformance ERROR, no decision id, and the one reason code no server sends.
    /// </summary>
    public static EvaluateResponse Refuse(EvaluateRequest request, string detail, string text) => new()
    {
        Verdict = Verdict.Deny,
        Conformance = Conformance.Error,
        ImageDigest = request.ImageDigest,
        Cluster = request.Cluster,
        Reasons = { new Reason { Code = ReasonCode.Unspecified, Detail = detail, Text = text } },
    };

    private static string? FlawOf(EvaluateRequest request, EvaluateResponse? response)
    {
        if (response is null)
        {
            return "the answer holds no decision: treated as DENY";
        }

        if (response.ImageDigest != request.ImageDigest || response.Cluster != request.Cluster)
        {
            return "the answer is about another image or cluster than asked: treated as DENY";
        }

        return response.Verdict is Verdict.Allow or Verdict.Deny or Verdict.Dryrun
            ? null
            : "the answer has no verdict this version knows: treated as DENY";
    }
}
