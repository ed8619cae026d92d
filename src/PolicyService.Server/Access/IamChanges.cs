using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Server.Audits;
using PolicyService.Server.Endpoints.Rest;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Access;

/// <summary>Changes of IAM policies, each with its record: who granted what to whom, and what was granted before.</summary>
internal sealed class IamChanges(DocumentStore store, AccessLog log)
{
    /// <summary>Makes a change and records it before it is answered.</summary>
    /// <param name="context">The request.</param>
    /// <param name="key">The IAM policy that changes.</param>
    /// <param name="change">Writes or deletes.</param>
    /// <param name="answer">What is answered.</param>
    public async Task<IResult> RecordedAsync(HttpContext context, DocumentKey key, Func<Task<StoreOutcome>> change, Func<StoreOutcome, IResult> answer)
    {
        var before = await store.GetAsync(key, context.RequestAborted);
        if (before is StoreOutcome.Unavailable)
        {
            return answer(before);
        }

        var outcome = await change();
        if (outcome is not (StoreOutcome.Written or StoreOutcome.Deleted))
        {
            return answer(outcome);
        }

        var (old, now) = (Entries((before as StoreOutcome.Found)?.Document, key.Name), Entries((outcome as StoreOutcome.Written)?.Document, key.Name));
        if (old.SetEquals(now))
        {
            return answer(outcome);
        }

        try
        {
            // The change stands, whether its author still waits or not.
            await log.ChangedAsync(context.Caller().Name, key.Name, (outcome as StoreOutcome.Written)?.Document.Etag ?? "", old, now, CancellationToken.None);
            return answer(outcome);
        }
        catch (AuditUnavailableException)
        {
            return RestError.Of(
                StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", "the change of access is in force, and its record could not be written in time: see that the records can be written", []);
        }
    }

    private static HashSet<AccessEntry> Entries(StoredDocument? document, string resource) => AccessEntry.Of(
        document is null ? null : IamPolicyParser.Parse(Encoding.UTF8.GetBytes(document.Content), new ProblemList(resource)), resource);
}
