using System.Text.Json;
using PolicyService.Core.Access;

namespace PolicyService.Server.Audits;

/// <summary>One thing that access grants, or an issuer it trusts, as records name it.</summary>
/// <param name="Member">To whom; for an issuer its name.</param>
/// <param name="Role">The role; <c>evaluator</c> or <c>issuer</c> for those.</param>
/// <param name="Resource">On what; the cluster of an evaluator; the audience of an issuer.</param>
/// <param name="Detail">What else it says: a condition, projects and rights, domains; often empty.</param>
public sealed record AccessEntry(string Member, string Role, string Resource, string Detail)
{
    /// <summary>Everything a file says of access.</summary>
    public static HashSet<AccessEntry> Of(AccessFile file) =>
    [
        .. from binding in file.Bindings from member in binding.Members from resource in binding.Resources
           select new AccessEntry(member.ToString(), binding.Role, resource, ""),
        .. from evaluator in file.Evaluators from member in evaluator.Members from cluster in evaluator.Clusters
           select new AccessEntry(member.ToString(), "evaluator", cluster, $"projects: {string.Join(", ", evaluator.Projects)}; may: {evaluator.Rights}"),
        .. from issuer in file.Issuers
           select new AccessEntry(issuer.Issuer, "issuer", issuer.Audience, $"emailDomains: {string.Join(", ", issuer.EmailDomains)}; groups: {issuer.Groups}; keysFile: {issuer.KeysFile}"),
    ];

    /// <summary>Everything an IAM policy says.</summary>
    public static HashSet<AccessEntry> Of(IamPolicy? policy, string resource) =>
    [
        .. from binding in policy?.Bindings ?? [] from member in binding.Members
           select new AccessEntry(member, binding.Role, resource, binding.IsConditional ? "conditional, grants nothing" : ""),
    ];
}

/// <summary>A change of access that came into force.</summary>
/// <param name="Time">When.</param>
/// <param name="Author">The caller who made it; <c>file</c> for the access file.</param>
/// <param name="Resource">The resource whose IAM policy it is, or the path of the file.</param>
/// <param name="Version">Etag of the IAM policy, or SHA-256 of the file; empty after a deletion.</param>
/// <param name="Added">What is granted since.</param>
/// <param name="Removed">What was granted before.</param>
public sealed record AccessChangeRecord(
    DateTimeOffset Time, string Author, string Resource, string Version, IReadOnlyList<AccessEntry> Added, IReadOnlyList<AccessEntry> Removed) : IAuditRecord
{
    /// <summary>The value of <c>kind</c>.</summary>
    public const string Kind = "ACCESS_CHANGE";

    /// <summary>Entries of each list that are written out; how many more there are is written too.</summary>
    private const int MaxListed = 1000;

    public bool MustBeDurable => true;

    public bool IsFact => true;

    public int Weight { get; } = 1024 + (200 * Math.Min(MaxListed, Added.Count)) + (200 * Math.Min(MaxListed, Removed.Count));

    public static AccessChangeRecord Between(
        DateTimeOffset time, string author, string resource, string version, HashSet<AccessEntry> before, HashSet<AccessEntry> after) =>
        new(time, author, resource, version, [.. after.Except(before)], [.. before.Except(after)]);

    public void WriteTo(RecordBuffer line)
    {
        using var json = new Utf8JsonWriter(line, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("time", Time.UtcDateTime);
        json.WriteString("kind", Kind);
        json.WriteString("author", Author);
        json.WriteString("resource", Resource);
        json.WriteString("version", Version);
        Write(json, "added", Added);
        Write(json, "removed", Removed);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<AccessEntry> entries)
    {
        json.WriteStartArray(name);
        foreach (var entry in entries.Take(MaxListed))
        {
            json.WriteStartObject();
            json.WriteString("member", entry.Member);
            json.WriteString("role", entry.Role);
            json.WriteString("resource", entry.Resource);
            if (entry.Detail.Length > 0)
            {
                json.WriteString("detail", entry.Detail);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (entries.Count > MaxListed)
        {
            json.WriteNumber($"{name}Unlisted", entries.Count - MaxListed);
        }
    }
}

/// <summary>A grant was used for the first time on a day (UTC) by a caller.</summary>
public sealed record AccessUsedRecord(DateTimeOffset Time, string Caller, AccessGrant Grant) : IAuditRecord
{
    /// <summary>The value of <c>kind</c>.</summary>
    public const string Kind = "ACCESS_USED";

    public bool MustBeDurable => false;

    public bool IsFact => true;

    public int Weight => 1024;

    public void WriteTo(RecordBuffer line)
    {
        using var json = new Utf8JsonWriter(line, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("time", Time.UtcDateTime);
        json.WriteString("kind", Kind);
        json.WriteString("caller", Caller);
        json.WriteString("member", Grant.Member);
        json.WriteString("role", Grant.Role);
        json.WriteString("resource", Grant.Resource);
        json.WriteString("source", Grant.Source);
        json.WriteEndObject();
    }
}
