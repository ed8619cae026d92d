using Microsoft.EntityFrameworkCore;

namespace PolicyService.Server.Storage;

/// <summary>The tables. <see cref="StoreSchema"/> makes them; this only maps them.</summary>
internal sealed class StoreContext(DbContextOptions<StoreContext> options) : DbContext(options)
{
    public DbSet<DocumentRow> Documents => Set<DocumentRow>();

    public DbSet<RevisionRow> Revisions => Set<RevisionRow>();

    public DbSet<OccurrenceRow> Occurrences => Set<OccurrenceRow>();

    public DbSet<GenerationRow> Generations => Set<GenerationRow>();

    public DbSet<ArchiveRow> Archive => Set<ArchiveRow>();

    /// <summary>Length of a text in bytes, which both databases know without reading it; for queries only.</summary>
    public static int Octets(string text) => throw new NotSupportedException(text);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDbFunction(typeof(StoreContext).GetMethod(nameof(Octets))!).HasName("octet_length").IsBuiltIn();
        var documents = modelBuilder.Entity<DocumentRow>().ToTable("documents");
        documents.HasKey(row => new { row.Kind, row.Name });
        var revisions = modelBuilder.Entity<RevisionRow>().ToTable("revisions");
        revisions.HasKey(row => row.Number);
        var occurrences = modelBuilder.Entity<OccurrenceRow>().ToTable("occurrences");
        occurrences.HasKey(row => row.Number);
        var generation = modelBuilder.Entity<GenerationRow>().ToTable("generation");
        generation.HasKey(row => row.Id);
        var archive = modelBuilder.Entity<ArchiveRow>().ToTable("archived_occurrences");
        archive.HasKey(row => new { row.Source, row.Digest, row.Identity });
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
        {
            property.SetColumnName(SnakeCase(property.Name));
        }
    }

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((letter, index) => char.IsUpper(letter) ? (index > 0 ? "_" : "") + char.ToLowerInvariant(letter) : letter.ToString()));
}

/// <summary>A document of any kind but occurrences.</summary>
internal sealed class DocumentRow
{
    public required int Kind { get; set; }

    public required string Name { get; set; }

    public required string Project { get; set; }

    public required string Parent { get; set; }

    public required string Content { get; set; }

    public required string Etag { get; set; }

    /// <summary>Microseconds since 1970, as every time here.</summary>
    public required long CreateTime { get; set; }

    public required long UpdateTime { get; set; }
}

/// <summary>One write of a document.</summary>
internal sealed class RevisionRow
{
    public long Number { get; set; }

    public required int Kind { get; set; }

    public required string Name { get; set; }

    public required string Author { get; set; }

    public required long Time { get; set; }

    public required string? Content { get; set; }

    public required string? Previous { get; set; }

    public required string Etag { get; set; }
}

/// <summary>An occurrence of any kind.</summary>
internal sealed class OccurrenceRow
{
    /// <summary>Grows in the order of the commits; lists run along it.</summary>
    public long Number { get; set; }

    public required string Name { get; set; }

    public required string Project { get; set; }

    public required string Note { get; set; }

    /// <summary>As Grafeas spells it: <c>ATTESTATION</c>.</summary>
    public required string Kind { get; set; }

    /// <summary>Without scheme: <c>https://X</c> and <c>X</c> name one artifact.</summary>
    public required string Resource { get; set; }

    /// <summary><c>sha256:…</c> at the end of the resource; empty if there is none.</summary>
    public required string Digest { get; set; }

    public required string Content { get; set; }

    /// <summary>SHA-256 of all that makes two occurrences the same one.</summary>
    public required string Identity { get; set; }

    public required long CreateTime { get; set; }

    public required long UpdateTime { get; set; }
}

/// <summary>The one row every write changes.</summary>
internal sealed class GenerationRow
{
    public int Id { get; set; }

    public long Value { get; set; }

    /// <summary>New at every write: a store that was set back to a backup and came to the same number again is told apart.</summary>
    public required string Stamp { get; set; }
}

/// <summary>An occurrence of a source elsewhere that was verified once; or, without identity, that its list was read whole.</summary>
internal sealed class ArchiveRow
{
    /// <summary>Project, endpoint, and note or project.</summary>
    public required string Source { get; set; }

    public required string Digest { get; set; }

    /// <summary>SHA-256 of the content.</summary>
    public required string Identity { get; set; }

    public required string Content { get; set; }

    /// <summary>When its source last showed it.</summary>
    public required long LastSeen { get; set; }
}
