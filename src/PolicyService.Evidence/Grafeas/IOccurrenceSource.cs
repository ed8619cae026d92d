using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Grafeas;

/// <summary>The attestations of one digest under one note.</summary>
/// <param name="Attestations">Newest first.</param>
/// <param name="IsCut">There are more, beyond the limits (SEMANTICS section 7): what they would say is unknown.</param>
public sealed record NoteOccurrences(IReadOnlyList<Attestation> Attestations, bool IsCut)
{
    public static NoteOccurrences None { get; } = new([], false);
}

/// <summary>Attestation occurrences that are not among the documents of a snapshot, asked for by digest.</summary>
public interface IOccurrenceSource
{
    /// <summary>The attestations of a digest under each of the notes, in one question; a note without any may be absent.</summary>
    /// <exception cref="EvidenceSourceException">They cannot be had; never the same as none.</exception>
    Task<IReadOnlyDictionary<NoteName, NoteOccurrences>> ReadAsync(Digest digest, IReadOnlyCollection<NoteName> notes, CancellationToken cancellation);
}

/// <summary>A source of evidence failed.</summary>
/// <param name="failureClass">For programs: <c>TIMEOUT</c>, <c>CONNECTION</c>, …</param>
/// <param name="problem">For people; lower case, no full stop.</param>
/// <param name="inner">What happened below, for logs.</param>
public sealed class EvidenceSourceException(string failureClass, string problem, Exception? inner = null) : Exception(problem, inner)
{
    public string Class => failureClass;
}
