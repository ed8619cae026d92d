namespace PolicyService.Server.Storage;

/// <summary>
/// The tables in versions. A version of this service works on its own schema version and on newer ones that say it may: expand first,
/// contract a version later (ARCHITECTURE section 3, "Upgrades").
/// </summary>
internal static class StoreSchema
{
    /// <summary>What this version of the service knows.</summary>
    public const int Version = 2;

    /// <summary>The oldest service version (by schema number) that may work on what this version writes.</summary>
    public const int CompatibleFrom = 1;

    /// <summary>One step for each version, in order; <c>{text}</c> and <c>{number}</c> are spelled as the database spells them.</summary>
    public static IReadOnlyList<string> Steps { get; } =
    [
        """
        CREATE TABLE generation (id INTEGER PRIMARY KEY, value BIGINT NOT NULL, stamp {text} NOT NULL);
        INSERT INTO generation (id, value, stamp) VALUES (1, 1, 'new');
        CREATE TABLE documents (
          kind INTEGER NOT NULL, name {text} NOT NULL, project {text} NOT NULL, parent {text} NOT NULL, content {text} NOT NULL,
          etag {text} NOT NULL, create_time BIGINT NOT NULL, update_time BIGINT NOT NULL, PRIMARY KEY (kind, name));
        CREATE INDEX documents_by_parent ON documents (kind, parent, name);
        CREATE TABLE revisions (
          number {number}, kind INTEGER NOT NULL, name {text} NOT NULL, author {text} NOT NULL, time BIGINT NOT NULL,
          content {text}, previous {text}, etag {text} NOT NULL);
        CREATE INDEX revisions_by_document ON revisions (kind, name, number);
        CREATE TABLE occurrences (
          number {number}, name {text} NOT NULL, project {text} NOT NULL, note {text} NOT NULL, kind {text} NOT NULL, resource {text} NOT NULL,
          digest {text} NOT NULL, content {text} NOT NULL, identity {text} NOT NULL, create_time BIGINT NOT NULL, update_time BIGINT NOT NULL);
        CREATE UNIQUE INDEX occurrences_by_name ON occurrences (name);
        CREATE UNIQUE INDEX occurrences_by_identity ON occurrences (identity);
        CREATE INDEX occurrences_by_project ON occurrences (project, number);
        CREATE INDEX occurrences_by_project_kind ON occurrences (project, kind, number);
        CREATE INDEX occurrences_by_project_digest ON occurrences (project, digest, number);
        CREATE INDEX occurrences_by_project_resource ON occurrences (project, resource, number);
        CREATE INDEX occurrences_by_note ON occurrences (note, number);
        CREATE INDEX occurrences_by_note_digest ON occurrences (note, digest, number);
        CREATE INDEX occurrences_as_evidence ON occurrences (note, digest, kind, create_time, number);
        CREATE INDEX occurrences_as_evidence_of_checks ON occurrences (project, digest, kind, create_time, number);
        """,
        // A service of schema 1 does not know the table and leaves it alone.
        """
        CREATE TABLE archived_occurrences (
          source {text} NOT NULL, digest {text} NOT NULL, identity {text} NOT NULL, content {text} NOT NULL, last_seen BIGINT NOT NULL,
          PRIMARY KEY (source, digest, identity));
        CREATE INDEX archived_occurrences_by_digest ON archived_occurrences (digest);
        """,
    ];

    /// <summary>What to do about a database of schema <paramref name="version"/>.</summary>
    /// <returns>True: bring it up to <see cref="Version"/>; false: work on it as it is.</returns>
    /// <exception cref="SettingsException">This version cannot work on it.</exception>
    public static bool NeedsMigration(int version, int compatibleFrom)
    {
        if (version > Version && compatibleFrom > Version)
        {
            throw new SettingsException(
                $"the store has schema {version}, which needs a service of schema {compatibleFrom} or newer, and this one has {Version}: start a newer version");
        }

        return version < Version;
    }
}
