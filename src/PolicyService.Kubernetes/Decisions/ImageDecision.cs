using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>What is done with an image. Zero refuses.</summary>
public enum Admission
{
    /// <summary>It must not run.</summary>
    Refused = 0,

    /// <summary>It may run.</summary>
    Admitted,

    /// <summary>It may run, and somebody should be told why that is no matter of course: a dry run, break-glass, or a service that is away.</summary>
    AdmittedWithWarning,
}

/// <summary>What the admission rests on.</summary>
public enum AdmissionBasis
{
    /// <summary>Nothing; never with an admission.</summary>
    None = 0,

    /// <summary>A decision of the service.</summary>
    Service,

    /// <summary>A marker of break-glass, honoured here because the service could not be asked.</summary>
    BreakGlass,

    /// <summary>The posture of the cluster when the service was last heard.</summary>
    Posture,

    /// <summary>The fail mode of the webhook.</summary>
    FailMode,
}

/// <summary>What became of one image.</summary>
/// <param name="Image">The image as asked.</param>
/// <param name="Admission">What is done.</param>
/// <param name="Basis">What that rests on.</param>
/// <param name="Explanation">For people: why, with the remedies; several lines; empty for a plain admission. Control characters but newlines are gone.</param>
public sealed record ImageDecision(string Image, Admission Admission, AdmissionBasis Basis, string Explanation)
{
    /// <summary>The service's answer; null if it gave none.</summary>
    public EvaluateResponse? Response { get; init; }

    /// <summary>Id of the decision record; empty if there is none.</summary>
    public string DecisionId => Response?.DecisionId ?? "";
}
