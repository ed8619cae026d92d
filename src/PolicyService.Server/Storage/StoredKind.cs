namespace PolicyService.Server.Storage;

/// <summary>What a stored document is. The numbers stand in the database and never change.</summary>
public enum StoredKind
{
    /// <summary>Nothing; no document has this kind.</summary>
    Unspecified = 0,

    /// <summary><c>projects/P/policy</c>.</summary>
    Policy = 1,

    /// <summary><c>projects/P/attestors/A</c>.</summary>
    Attestor = 2,

    /// <summary><c>projects/P/platforms/gke|cloudRun/policies/X</c>.</summary>
    PlatformPolicy = 3,

    /// <summary><c>projects/P/options</c>: our own settings of a project (SEMANTICS section 8).</summary>
    Options = 4,

    /// <summary>The IAM policy of <c>projects/P/policy</c>.</summary>
    PolicyIam = 5,

    /// <summary>The IAM policy of <c>projects/P/attestors/A</c>; it ends with the attestor.</summary>
    AttestorIam = 6,

    /// <summary><c>projects/P/notes/N</c>.</summary>
    Note = 7,

    /// <summary><c>projects/P/continuousValidationConfig</c>.</summary>
    ContinuousValidation = 8,

    /// <summary><c>locations/global/policy</c>, for the whole service.</summary>
    SystemPolicy = 9,

    /// <summary><c>clusters</c>: the bindings of the whole service (SEMANTICS section 8).</summary>
    Clusters = 10,

    /// <summary><c>projects/P/occurrences/O</c>; kept in a table of its own, without etag.</summary>
    Occurrence = 11,
}
