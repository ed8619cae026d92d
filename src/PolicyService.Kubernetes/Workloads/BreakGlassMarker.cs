namespace PolicyService.Kubernetes.Workloads;

/// <summary>The marker by which a human overrides a denial (SEMANTICS section 4).</summary>
internal static class BreakGlassMarker
{
    /// <summary>Label or annotation.</summary>
    public const string Key = "image-policy.k8s.io/break-glass";

    /// <summary>Annotation; the only one of the two that an ImageReview carries.</summary>
    public const string OldKey = "alpha.image-policy.k8s.io/break-glass";

    // Not `True`, not `1`, not empty: whoever overrides must mean it.
    private const string Value = "true";

    public static bool IsSet(IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> annotations) =>
        labels.GetValueOrDefault(Key) == Value || annotations.GetValueOrDefault(Key) == Value || annotations.GetValueOrDefault(OldKey) == Value;
}
