using System.Buffers;
using System.Collections.Concurrent;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Pinning;

/// <summary>What tags name now.</summary>
/// <param name="Digests">The image with its digest, by the image as it is written; only what could be resolved.</param>
/// <param name="Warnings">A line for each that could not.</param>
internal sealed record ResolvedTags(IReadOnlyDictionary<string, string> Digests, IReadOnlyList<string> Warnings);

/// <summary>Asks the service what tags name. What cannot be resolved keeps its tag: the validating webhook judges it as it is.</summary>
internal sealed class TagPinner(ClusterService.ClusterServiceClient client, AdapterSettings settings, TimeProvider time)
{
    private const int MaxAtOnce = 8;
    private const int HexDigits = 64;
    private const string DigestPrefix = "sha256:";
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");
    private static readonly TimeSpan LeastMargin = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether an image has a tag and no digest. One without either is left alone: nobody wrote which one is meant.</summary>
    public static bool HasOnlyTag(string image)
    {
        var last = image[(image.LastIndexOf('/') + 1)..];
        return !image.Contains('@', StringComparison.Ordinal) && last.Contains(':', StringComparison.Ordinal) && !IsDigest(image);
    }

    /// <summary>Resolves each image, several at once, within the cluster's time less a margin.</summary>
    /// <param name="images">Distinct images with tags.</param>
    /// <param name="patience">How long the cluster still waits.</param>
    /// <param name="cancellation">The cluster went away.</param>
    public async Task<ResolvedTags> ResolveAsync(IReadOnlyCollection<string> images, TimeSpan patience, CancellationToken cancellation)
    {
        var margin = patience / 10 > LeastMargin ? patience / 10 : LeastMargin;
        var deadline = (time.GetUtcNow() + patience - margin).UtcDateTime;
        var digests = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var problems = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        await Parallel.ForEachAsync(images, new ParallelOptions { MaxDegreeOfParallelism = MaxAtOnce, CancellationToken = cancellation }, async (image, stopping) =>
        {
            try
            {
                var request = new ResolveImageRequest { Image = image, Cluster = settings.Cluster, Project = settings.Project };
                var answer = await client.ResolveImageAsync(request, deadline: deadline, cancellationToken: stopping);
                if (Answers(image, answer))
                {
                    digests[image] = answer.ImageDigest;
                }
                else
                {
                    problems[image] = "the service's answer is about something else";
                }
            }
            catch (RpcException exception) when (!cancellation.IsCancellationRequested)
            {
                problems[image] = $"{exception.StatusCode}: {exception.Status.Detail}";
            }
        });
        return new ResolvedTags(digests, [.. images.Where(problems.ContainsKey).Select(image => $"the tag of {PlainText.Line(image, 120)} is not pinned: {PlainText.Line(problems[image], 400)}")]);
    }

    /// <summary>The same repository's name and tag, with a digest; the host may have been written out.</summary>
    private static bool Answers(string image, ResolveImageResponse answer) =>
        IsDigest(answer.Digest)
        && answer.ImageDigest.EndsWith($"{image[(image.LastIndexOf('/') + 1)..]}@{answer.Digest}", StringComparison.Ordinal);

    private static bool IsDigest(string text) =>
        text.Length == DigestPrefix.Length + HexDigits && text.StartsWith(DigestPrefix, StringComparison.Ordinal)
        && !text.AsSpan(DigestPrefix.Length).ContainsAnyExcept(LowerHex);
}
