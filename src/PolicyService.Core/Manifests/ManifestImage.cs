using System.Globalization;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Manifests;

/// <summary>An image that a manifest would run, and as whom.</summary>
/// <param name="Image">The reference as the manifest spells it.</param>
/// <param name="File">File of the manifest.</param>
/// <param name="Mark">Where the image stands in it.</param>
/// <param name="Namespace">Empty where nothing says which.</param>
/// <param name="ServiceAccount">Empty where nothing says which.</param>
public sealed record ManifestImage(string Image, string File, Mark Mark, string Namespace, string ServiceAccount)
{
    private static readonly IReadOnlyDictionary<string, string> Nothing = new Dictionary<string, string>();

    /// <summary>Number of the pod, or pod template, among those of the file; counts from 0.</summary>
    public int Pod { get; init; }

    /// <summary>Name of the object the pod stands in, or is; empty where it has none.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Of the pod; recorded, they never decide.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Nothing;

    /// <summary>Of the pod; recorded, they never decide.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = Nothing;

    public override string ToString()
    {
        var who = (Namespace, ServiceAccount) switch
        {
            ("", "") => "",
            (_, "") => $"namespace {Namespace}, ",
            ("", _) => $"service account {ServiceAccount}, ",
            _ => $"namespace {Namespace}, service account {ServiceAccount}, ",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{who}{File}:{Mark.Line}:{Mark.Column}");
    }
}
