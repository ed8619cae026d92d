using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>Keys that are kept elsewhere and whose document carries no PEM: each needs a pin in the options of its project (SEMANTICS section 8).</summary>
internal static class AttestorPins
{
    /// <summary>The answer that names the keys without a pin; null if every key has one.</summary>
    public static async Task<IResult?> CheckAsync(DocumentStore store, string project, IReadOnlyList<(string Field, KmsKeyName Key)> remote, CancellationToken cancellation)
    {
        var outcome = await store.GetAsync(DocumentKey.Of(StoredKind.Options, $"projects/{project}/options"), cancellation);
        if (outcome is StoreOutcome.Unavailable failure)
        {
            return RestAnswer.Unavailable(failure);
        }

        var options = outcome is StoreOutcome.Found { Document: var document }
            ? DocumentFiles.Parse(document.Key.Path!, Encoding.UTF8.GetBytes(document.Content)).Content as ProjectOptions
            : null;
        FieldViolation[] unpinned =
        [
            .. remote.Where(key => options?.PinnedKeys.ContainsKey(key.Key) is not true).Select(key => new FieldViolation(
                key.Field, $"the key `{Shown.Value(key.Key.ToString())}` has no PEM, and pinnedKeys of the project's options does not pin it: send its PEM, or pin it first")),
        ];
        return unpinned.Length == 0 ? null : RestError.Invalid(unpinned);
    }
}
