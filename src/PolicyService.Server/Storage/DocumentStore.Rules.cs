using System.Collections.Frozen;
using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage;

/// <summary>What holds for a document however it comes: over the wire, by an import, by a rollback.</summary>
public sealed partial class DocumentStore
{
    /// <summary>In words for people: the project's documents are not to be had here.</summary>
    internal static string ElsewhereProblem(DocumentKey key) => $"the documents of project `{Shown.Value(key.Project)}` come from the directory: read and change them there";

    /// <summary>A project comes from one source, but for its notes, which anybody's attestations hang on.</summary>
    private StoreOutcome.Invalid? CheckElsewhere(DocumentKey key) =>
        key.Kind is not StoredKind.Note && IsElsewhere(key.Project) ? new StoreOutcome.Invalid("name", ElsewhereProblem(key)) : null;

    /// <summary>An attestor whose key is kept elsewhere and not pinned by the options that are stored now.</summary>
    private static async Task<StoreOutcome.Invalid?> CheckPinsAsync(StoreContext context, DocumentKey key, string json, CancellationToken cancellation)
    {
        if (key.Kind is not StoredKind.Attestor || DocumentFiles.Parse(key.Path!, Encoding.UTF8.GetBytes(json)).Content is not Attestor attestor)
        {
            return null;
        }

        var remote = attestor.Keys.Select(one => one.Remote?.Name).OfType<KmsKeyName>().ToArray();
        if (remote.Length == 0)
        {
            return null;
        }

        var pins = PinnedKeys.Of(key.Project, (await FindAsync(context, DocumentKey.Of(StoredKind.Options, $"projects/{key.Project}/options"), cancellation))?.Content);
        return remote.Where(name => !pins.ContainsKey(name)).Select(name => new StoreOutcome.Invalid(key.Name, PinnedKeys.Missing(name))).FirstOrDefault();
    }
}

/// <summary>Keys that are kept elsewhere and whose document carries no PEM: each needs a pin in the options of its project (SEMANTICS section 8).</summary>
internal static class PinnedKeys
{
    /// <summary>The pins of a project.</summary>
    /// <param name="project">The project.</param>
    /// <param name="options">Its options as they are stored; null if it has none.</param>
    public static IReadOnlyDictionary<KmsKeyName, Digest> Of(string project, string? options) =>
        options is not null && DocumentFiles.Parse(DocumentKey.Of(StoredKind.Options, $"projects/{project}/options").Path!, Encoding.UTF8.GetBytes(options)).Content is ProjectOptions read
            ? read.PinnedKeys
            : FrozenDictionary<KmsKeyName, Digest>.Empty;

    /// <summary>In words for people: a key has neither PEM nor pin.</summary>
    public static string Missing(KmsKeyName key) =>
        $"the key `{Shown.Value(key.ToString())}` has no PEM, and pinnedKeys of the project's options does not pin it: send its PEM, or pin it first";
}
