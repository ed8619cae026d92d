using PolicyService.Core.Attestors;
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

        var pins = PinnedKeys.Of(project, outcome is StoreOutcome.Found { Document: var document } ? document.Content : null);
        FieldViolation[] unpinned =
        [
            .. remote.Where(key => !pins.ContainsKey(key.Key)).Select(key => new FieldViolation(key.Field, PinnedKeys.Missing(key.Key))),
        ];
        return unpinned.Length == 0 ? null : RestError.Invalid(unpinned);
    }
}
