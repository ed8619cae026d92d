namespace PolicyService.Server.Storage;

/// <summary>What an operation of the store gave. The set is closed; an exception out of the store is a bug.</summary>
public abstract record StoreOutcome
{
    private StoreOutcome()
    {
    }

    /// <summary>The write is durable: it survives the end of this process and of the machine's power.</summary>
    public sealed record Written(StoredDocument Document) : StoreOutcome
    {
        /// <summary>The content that it took the place of, as the same transaction saw it; null if there was none.</summary>
        public string? Replaced { get; init; }
    }

    /// <summary>The deletion is durable.</summary>
    public sealed record Deleted(DocumentKey Key) : StoreOutcome
    {
        /// <summary>The IAM policy that went with an attestor; null if it had none.</summary>
        public string? IamPolicy { get; init; }
    }

    /// <summary>All of an import is durable: how many documents and occurrences were new or changed.</summary>
    public sealed record Imported(int Documents, int Occurrences) : StoreOutcome;

    /// <summary>The document read.</summary>
    public sealed record Found(StoredDocument Document) : StoreOutcome;

    /// <summary>One page of a list; <paramref name="NextPageToken"/> is empty on the last one.</summary>
    public sealed record Page(IReadOnlyList<StoredDocument> Documents, string NextPageToken) : StoreOutcome;

    /// <summary>NOT_FOUND: <paramref name="Name"/> does not exist. It may be another than the one asked for, such as an occurrence's note.</summary>
    public sealed record NotFound(string Name) : StoreOutcome;

    /// <summary>ALREADY_EXISTS: <paramref name="Name"/> is there; for an occurrence, the identical one's.</summary>
    public sealed record AlreadyExists(string Name) : StoreOutcome;

    /// <summary>ABORTED: the etag given is not the current one.</summary>
    public sealed record Conflict(string Name) : StoreOutcome;

    /// <summary>INVALID_ARGUMENT: what is wrong with a field, in words for people. Nothing was stored.</summary>
    public sealed record Invalid(string Field, string Problem) : StoreOutcome;

    /// <summary>
    /// UNAVAILABLE: the database failed; a write did not happen, or (connection lost at its very end) nobody knows.
    /// <paramref name="Class"/> is for programs: CONNECTION, TIMEOUT, FULL, READ_ONLY, PERMISSION, CORRUPT, IO.
    /// </summary>
    public sealed record Unavailable(string Class, string Problem) : StoreOutcome;
}
