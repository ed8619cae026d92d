using System.Globalization;
using System.Text;
using PolicyService.Api.V1;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.LoadTests.Calls;

namespace PolicyService.LoadTests.Documents;

/// <summary>An image that nobody built: its number gives its name and its digest.</summary>
internal sealed record TestImage(int Number)
{
    /// <summary>Bytes of a request about it, as PERFORMANCE.md has them.</summary>
    public const int RequestBytes = 305;

    private const string Filling = "team";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"registry.example/team-{Number % 10}/app-{Number:D7}");

    public Digest Digest { get; } = Digest.Of(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"image {Number}")));

    public string Reference => $"{Name}@{Digest}";

    /// <summary>The bytes to sign.</summary>
    public byte[] Payload() => SimpleSigningPayload.Write(Name, Digest);

    /// <summary>The question an admission webhook asks about it, padded by labels to 305 bytes.</summary>
    public Question Ask(Verdict expected, string cluster = RunDocuments.Cluster, string project = "")
    {
        var request = new EvaluateRequest { ImageDigest = Reference, Cluster = cluster, Project = project, Namespace = "production", ServiceAccount = "frontend" };
        // Two labels, each short enough to need one byte for its length: one more character is one more byte.
        request.Labels["app.kubernetes.io/name"] = new string('x', 60);
        request.Labels[Filling] = "x";
        request.Labels[Filling] = new string('x', Math.Max(1, 1 + RequestBytes - request.CalculateSize()));
        return new Question(request, expected);
    }
}
