namespace PolicyService.Kubernetes.Reviews;

/// <summary>The images of an ImageReview.</summary>
/// <param name="Images">Every image, as it is written.</param>
/// <param name="Namespace">Namespace of the pod.</param>
/// <param name="Annotations">Those annotations of the pod that the cluster hands on.</param>
internal sealed record ImageRequest(IReadOnlyList<string> Images, string Namespace, IReadOnlyDictionary<string, string> Annotations);

/// <summary>Reads ImageReview, <c>imagepolicy.k8s.io/v1alpha1</c>.</summary>
internal static class ImageReviewReader
{
    public const string ApiVersion = "imagepolicy.k8s.io/v1alpha1";
    public const string Kind = "ImageReview";

    private static readonly FieldNames Review = new("apiVersion", "kind", "spec");
    private static readonly FieldNames Spec = new("containers", "annotations", "namespace");
    private static readonly FieldNames Container = new("image");

    /// <exception cref="ReviewException">It is none.</exception>
    public static ImageRequest Read(ReadOnlySpan<byte> bytes)
    {
        var review = ReviewFields.Of(ReviewJson.Parse(bytes), ReviewFields.Review, Review);
        AdmissionReviewReader.RequireVersion(review, ApiVersion, Kind);
        var spec = review.Child("spec", Spec) ?? throw ReviewFields.Malformed(ReviewFields.Review, "has no `spec`");
        var images = spec.Items("containers").Select((container, index) => ImageOf(ReviewFields.Of(container, $"spec.containers[{index}]", Container))).ToArray();
        return images.Length > 0
            ? new ImageRequest(images, spec.Text("namespace"), spec.Texts("annotations"))
            : throw ReviewFields.Malformed("spec.containers", "names no image: there is nothing to judge");
    }

    private static string ImageOf(ReviewFields container) =>
        container.Text("image") is { Length: > 0 } image ? image : throw ReviewFields.Malformed(container.Path, "has no `image`");
}
