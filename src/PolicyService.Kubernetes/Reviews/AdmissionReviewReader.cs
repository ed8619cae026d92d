namespace PolicyService.Kubernetes.Reviews;

/// <summary>Reads AdmissionReview, <c>admission.k8s.io/v1</c>.</summary>
internal static class AdmissionReviewReader
{
    public const string ApiVersion = "admission.k8s.io/v1";
    public const string Kind = "AdmissionReview";

    private static readonly FieldNames Review = new("apiVersion", "kind", "request");

    private static readonly FieldNames Request = new(
        "uid", "kind", "resource", "subResource", "name", "namespace", "operation", "userInfo", "object", "oldObject", "dryRun");

    private static readonly FieldNames KindFields = new("group", "version", "kind");
    private static readonly FieldNames UserFields = new("username");

    /// <exception cref="ReviewException">It is none.</exception>
    public static AdmissionRequest Read(ReadOnlySpan<byte> bytes)
    {
        var review = ReviewFields.Of(ReviewJson.Parse(bytes), ReviewFields.Review, Review);
        RequireVersion(review, ApiVersion, Kind);
        var request = review.Child("request", Request) ?? throw ReviewFields.Malformed(ReviewFields.Review, "has no `request`");
        var uid = request.Text("uid");
        if (uid.Length == 0)
        {
            throw ReviewFields.Malformed("request.uid", "is missing: the answer must carry it");
        }

        return new AdmissionRequest(uid, KindOf(request), request.Text("subResource"), OperationOf(request))
        {
            Name = request.Text("name"),
            Namespace = request.Text("namespace"),
            Username = request.Child("userInfo", UserFields)?.Text("username") ?? "",
            NewObject = request.Find("object"),
            OldObject = request.Find("oldObject"),
            IsDryRun = request.Flag("dryRun"),
        };
    }

    /// <summary>A review of another version may mean other things by the same names.</summary>
    internal static void RequireVersion(ReviewFields review, string apiVersion, string kind)
    {
        var (givenVersion, givenKind) = (review.Text("apiVersion"), review.Text("kind"));
        if (givenVersion != apiVersion || givenKind != kind)
        {
            throw new ReviewException(ReviewProblem.Malformed(
                $"the review is a `{PlainText.Line(givenKind, 80)}` of `{PlainText.Line(givenVersion, 80)}`: only {kind} of {apiVersion} is read, configure the webhook so"));
        }
    }

    private static GroupKind KindOf(ReviewFields request)
    {
        var kind = request.Child("kind", KindFields);
        return kind?.Text("kind") is { Length: > 0 } name
            ? new GroupKind(kind.Text("group"), name)
            : throw ReviewFields.Malformed("request.kind", "is missing: it says what the object is");
    }

    private static AdmissionOperation OperationOf(ReviewFields request) => request.Text("operation") switch
    {
        "CREATE" => AdmissionOperation.Create,
        "UPDATE" => AdmissionOperation.Update,
        "DELETE" => AdmissionOperation.Delete,
        "CONNECT" => AdmissionOperation.Connect,
        "" => throw ReviewFields.Malformed("request.operation", "is missing: it says what is done to the object"),
        var other => throw ReviewFields.Malformed("request.operation", $"is `{PlainText.Line(other, 40)}`: only CREATE, UPDATE, DELETE and CONNECT are known"),
    };
}
