namespace PolicyService.Core.Verification.Pgp;

/// <summary>A signature that may be the primary key's about one of its keys, and what it covers.</summary>
/// <param name="Signature">The signature, not verified.</param>
/// <param name="Data">What is hashed before the signature's own part.</param>
/// <param name="IsWithdrawn">Whether it was revoked, or its user id was.</param>
internal readonly record struct PgpStatement(PgpSignature Signature, ReadOnlyMemory<byte>[] Data, bool IsWithdrawn);

/// <summary>
/// What the primary key says of one key in one place: in direct-key signatures, in certifications of its user ids, or in bindings of a
/// subkey.
/// </summary>
/// <param name="Governing">The newest statement that qualifies: the one that grants. Null if none does.</param>
/// <param name="Counted">The governing one, and all that are not older; these only restrict.</param>
internal sealed record PgpStatements(PgpSignature? Governing, IReadOnlyList<PgpSignature> Counted)
{
    /// <summary>
    /// Whether the key is marked for signing documents; null if nothing is said of it. Without flags a key may not sign: none has
    /// lacked them in twenty years.
    /// </summary>
    public bool? MaySign => Counted.Any(statement => statement.Subpackets is { HasFlags: true, MaySign: false }) ? false
        : Governing is { Subpackets.HasFlags: true } ? true
        : null;

    /// <summary>Why a statement that counts cannot be understood, so that nobody knows what it forbids; null if all can.</summary>
    public string? Flaw => Counted.Select(statement => statement.Subpackets.Problem).FirstOrDefault(problem => problem is not null);

    /// <summary>When the key holds by all statements that count.</summary>
    public ValidityPeriod PeriodOf(PgpKeyMaterial key) =>
        Counted.Aggregate(ValidityPeriod.Always, (period, statement) => period.Within(PeriodOf(statement, key)));

    /// <summary>Where nothing governs, what is older than the governing statement of the other place counts no more.</summary>
    public PgpStatements Since(PgpSignature? other) =>
        Governing is not null || other is null ? this : this with { Counted = [.. Counted.Where(statement => TimeOf(statement) >= other.Created)] };

    /// <summary>Newest first; of several made in one second, the one that says least. One that does not say when it was made comes first.</summary>
    public static IEnumerable<PgpStatement> NewestFirst(IEnumerable<PgpStatement> statements, PgpKeyMaterial key) => statements
        .Where(statement => TimeOf(statement.Signature) >= key.Created)
        .OrderByDescending(statement => TimeOf(statement.Signature))
        .ThenBy(statement => statement.Signature.Subpackets.MaySign)
        .ThenBy(statement => PeriodOf(statement.Signature, key).Until);

    public static DateTimeOffset TimeOf(PgpSignature signature) => signature.Subpackets.IsDated ? signature.Created : DateTimeOffset.MaxValue;

    private static ValidityPeriod PeriodOf(PgpSignature statement, PgpKeyMaterial key) =>
        new ValidityPeriod(statement.Created, statement.Until).Within(new ValidityPeriod(key.Created, PgpTime.After(key.Created, statement.Subpackets.KeyExpiresAfter)));
}
