using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Policies;

/// <summary>One reading of a source.</summary>
/// <param name="Changed">The documents differ from those of the reading before.</param>
/// <param name="Documents">All documents, as one version.</param>
/// <param name="Problems">What is wrong with them.</param>
/// <param name="Generation">Number of this version of the documents; grows with every change of them.</param>
/// <param name="ContentVersion">Grows with every change of anything in the source, attestations that are not among the documents included.</param>
public sealed record SourceReading(bool Changed, DocumentSet Documents, IReadOnlyList<DocumentProblem> Problems, long Generation, long ContentVersion)
{
    /// <summary>Grows with every change of attestations that are not among the documents, and may grow with other changes; 0 where all are.</summary>
    public long EvidenceVersion { get; init; }

    /// <summary>What the access file says; null from sources that are none.</summary>
    public AccessRules? Access { get; init; }

    /// <summary>The IAM policies of the source, by the resource each is of; null from sources that have none.</summary>
    public IReadOnlyDictionary<string, CompiledIamPolicy>? IamPolicies { get; init; }
}

/// <summary>Where documents come from: a directory or the store. One reader polls it.</summary>
public interface IDocumentSource
{
    /// <summary>What it is, for logs: <c>directory /etc/policies</c>.</summary>
    string Place { get; }

    /// <summary>Reads what changed.</summary>
    /// <exception cref="SourceUnavailableException">It does not answer; what was read stays in force.</exception>
    Task<SourceReading> ReadAsync(CancellationToken cancellation);
}

/// <summary>A source of documents does not answer.</summary>
/// <param name="failure">For logs: what failed.</param>
/// <param name="remedy">What an operator can do if it fails at the start.</param>
/// <param name="inner">What happened below.</param>
public sealed class SourceUnavailableException(string failure, string remedy, Exception inner) : Exception(failure, inner)
{
    public string Remedy => remedy;
}
