using System.Collections.Concurrent;
using System.Collections.Frozen;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>Whether an index lists an image, and if not, whether that is known.</summary>
/// <param name="IsListed">Its bytes, which hash to its digest, list the image as one that runs.</param>
/// <param name="Why">Why it is not listed, for people; empty where it is.</param>
/// <param name="Failure">The index could not be read: nobody knows.</param>
public sealed record IndexListing(bool IsListed, string Why, EvidenceFailure? Failure)
{
    internal static IndexListing Yes { get; } = new(true, "", null);

    internal static IndexListing No(string why) => new(false, why, null);

    internal static IndexListing Failed(EvidenceFailure failure) => new(false, failure.Explanation, failure);

    internal static IndexListing Failed(RegistryRepository repository, RemoteFailure failure) => Failed(RegistryFailures.Of(repository, failure));
}

/// <summary>
/// What indexes list. The bytes are hashed against the digest that was asked for, so what one of them lists is a fact: whoever learned it,
/// it is true for everybody and for ever. That it could not be read is neither, and answers for a few seconds only, for those who asked the same.
/// </summary>
/// <param name="fetch">Reads a manifest by digest.</param>
/// <param name="time">The clock.</param>
/// <param name="lifetimes">How long failures answer; null: as in a service.</param>
public sealed class IndexChildren(Func<RegistryRepository, Digest, CancellationToken, Task<RegistryOutcome>> fetch, TimeProvider time, RemoteLifetimes? lifetimes = null)
{
    /// <summary>Children after which the older half is forgotten: callers choose which indexes are read.</summary>
    private const int MaxChildren = 100_000;

    /// <summary>Failures after which all are forgotten.</summary>
    private const int MaxFailures = 10_000;

    private const string UnknownPlatform = "unknown";

    /// <summary>What BuildKit writes on the manifests of attestations, which stand beside those of images.</summary>
    private const string ReferenceType = "vnd.docker.reference.type";

    private readonly RemoteLifetimes _lifetimes = lifetimes ?? new RemoteLifetimes();
    private readonly ConcurrentDictionary<Question, Lazy<Task<Read>>> _flights = new();
    private readonly ConcurrentDictionary<Question, Read> _failures = new();
    private Halves _known = new(new(), new());
    private int _count;

    /// <param name="project">Whose documents ask.</param>
    /// <param name="repository">Where the image lies, and so its index.</param>
    /// <param name="index">The index.</param>
    /// <param name="child">The image.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    /// <exception cref="OperationCanceledException">This caller waits no longer.</exception>
    public async Task<IndexListing> ListsAsync(string project, RegistryRepository repository, Digest index, Digest child, CancellationToken cancellation)
    {
        if (Find(index) is { } known)
        {
            return known.Of(index, child);
        }

        var question = new Question(project, repository, index);
        if (_failures.TryGetValue(question, out var failed) && time.GetElapsedTime(failed.Since) < failed.Lifetime)
        {
            return failed.Listing!;
        }

        var flight = _flights.GetOrAdd(question, asked => new Lazy<Task<Read>>(() => Task.Run(() => FlyAsync(asked), CancellationToken.None)));
        var read = await flight.Value.WaitAsync(cancellation);
        return read.Listing ?? read.Children!.Of(index, child);
    }

    private async Task<Read> FlyAsync(Question question)
    {
        try
        {
            using var bound = new CancellationTokenSource(_lifetimes.Fetch, time);
            var read = Judge(question, await fetch(question.Repository, question.Index, bound.Token));
            if (read.Children is { } children)
            {
                Keep(question.Index, children);
                return read;
            }

            if (_failures.Count >= MaxFailures)
            {
                _failures.Clear();
            }

            _failures[question] = read;
            return read;
        }
        finally
        {
            _flights.TryRemove(question, out _);
        }
    }

    private Read Judge(Question question, RegistryOutcome outcome)
    {
        var since = time.GetTimestamp();
        if (outcome.Content is not { } content)
        {
            return outcome switch
            {
                { IsNotThere: true } => new Read(null, IndexListing.No($"the registry does not have {question.Index}"), since, _lifetimes.Negative),
                { IsTooLarge: true } => new Read(null, IndexListing.Failed(TooLarge), since, _lifetimes.Negative),
                _ => new Read(null, IndexListing.Failed(question.Repository, outcome.Failure), since, _lifetimes.Failure),
            };
        }

        return content.Digest != question.Index ? new Read(null, IndexListing.Failed(question.Repository, RemoteFailure.WrongDigest), since, _lifetimes.Failure)
            : OciIndex.TryParse(content.Bytes, out var index, out var problem) ? new Read(new Children([.. index.Manifests.Where(Runs).Select(one => one.Digest)], index.IsCut, ""), null, since, default)
            : new Read(new Children([], false, problem), null, since, default);
    }

    /// <summary>An index may list attestations as children of no platform: those are no images, and nothing that is signed makes them one.</summary>
    private static bool Runs(OciDescriptor child) =>
        child.Platform is not { Os: UnknownPlatform } and not { Architecture: UnknownPlatform } && !child.Annotations.ContainsKey(ReferenceType);

    private static EvidenceFailure TooLarge { get; } = new(ReasonCode.EvidenceLimit, "INDEX", "the index is larger than what is read of one", IsOwnFault: false);

    private Children? Find(Digest index)
    {
        var known = Volatile.Read(ref _known);
        return known.Young.GetValueOrDefault(index) ?? known.Old.GetValueOrDefault(index);
    }

    private void Keep(Digest index, Children children)
    {
        var known = Volatile.Read(ref _known);
        if (known.Young.TryAdd(index, children) && Interlocked.Add(ref _count, children.Count + 1) > MaxChildren / 2)
        {
            Interlocked.Exchange(ref _count, 0);
            Volatile.Write(ref _known, new Halves(new(), known.Young));
        }
    }

    private sealed record Question(string Project, RegistryRepository Repository, Digest Index);

    /// <param name="Children">What it lists; null: nobody knows.</param>
    /// <param name="Listing">What is answered then.</param>
    /// <param name="Since">When it was learned.</param>
    /// <param name="Lifetime">How long that answers.</param>
    private sealed record Read(Children? Children, IndexListing? Listing, long Since, TimeSpan Lifetime);

    private sealed class Children(IEnumerable<Digest> digests, bool isCut, string problem)
    {
        private readonly FrozenSet<Digest> _digests = digests.ToFrozenSet();

        public int Count => _digests.Count;

        public IndexListing Of(Digest index, Digest child) => _digests.Contains(child) ? IndexListing.Yes
            : isCut ? IndexListing.Failed(TooLarge)
            : IndexListing.No(problem.Length > 0 ? $"{index} is no index: {problem}" : $"{index} does not list the image as one that runs");
    }

    private sealed record Halves(ConcurrentDictionary<Digest, Children> Young, ConcurrentDictionary<Digest, Children> Old);
}
