using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Grafeas;

/// <summary>Whose attestations: those under a note, which an attestor asks for, or those in a project, which a check asks for.</summary>
/// <param name="Note">The note; the default name where a project is meant.</param>
/// <param name="Project">The project; empty where a note is meant.</param>
public readonly record struct OccurrenceParent(NoteName Note, string Project)
{
    public static OccurrenceParent Of(NoteName note) => new(note, "");

    public static OccurrenceParent OfProject(string project) => new(default, project);
}

/// <summary>The attestations of one digest under one parent.</summary>
/// <param name="Attestations">Newest first.</param>
/// <param name="IsCut">There are more, beyond the limits (SEMANTICS section 7): what they would say is unknown.</param>
public sealed record ParentOccurrences(IReadOnlyList<Attestation> Attestations, bool IsCut)
{
    public static ParentOccurrences None { get; } = new([], false);
}

/// <summary>What a source said of a digest: the attestations under each parent that it was asked about.</summary>
/// <param name="parents">The parents; one attestor has one, and few rules have many.</param>
/// <param name="occurrences">Theirs, in the same order.</param>
public sealed class FoundOccurrences(IReadOnlyList<OccurrenceParent> parents, ParentOccurrences[] occurrences)
{
    /// <summary>Those of a parent that was asked about.</summary>
    public ParentOccurrences this[OccurrenceParent parent] => Find(parent) ?? throw new ArgumentException($"{parent} was not asked about", nameof(parent));

    /// <summary>Those of one parent; null: it was not asked about.</summary>
    public ParentOccurrences? Find(OccurrenceParent parent)
    {
        for (var index = 0; index < occurrences.Length; index++)
        {
            if (parents[index] == parent)
            {
                return occurrences[index];
            }
        }

        return null;
    }

    /// <summary>Both.</summary>
    internal FoundOccurrences With(FoundOccurrences other, IReadOnlyList<OccurrenceParent> othersParents) =>
        new([.. parents, .. othersParents], [.. occurrences, .. othersParents.Select(parent => other[parent])]);
}

/// <summary>Attestation occurrences that are not among the documents of a snapshot, asked for by digest.</summary>
public interface IOccurrenceSource
{
    /// <summary>The attestations of a digest under each of the parents, in one question; a parent without any may be absent.</summary>
    /// <param name="digest">The image's.</param>
    /// <param name="parents">Notes and projects.</param>
    /// <param name="caller">Who asks: callers have their turns.</param>
    /// <param name="cancellation">The end of the patience.</param>
    /// <exception cref="EvidenceSourceException">They cannot be had; never the same as none.</exception>
    Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> ReadAsync(
        Digest digest, IReadOnlyCollection<OccurrenceParent> parents, string caller, CancellationToken cancellation);

    /// <summary>
    /// Whether it has lately answered what no author of attestations can make slow: then it is not the source that fails, but one question
    /// that takes too long.
    /// </summary>
    bool HasAnswered(TimeSpan within);
}
