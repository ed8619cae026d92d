using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Server.Audits;
using PolicyService.Server.Endpoints.Rest;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Access;

/// <summary>Changes of IAM policies, each with its record: who granted what to whom, and what was granted before.</summary>
internal sealed class IamChanges(AccessLog log)
{
    /// <summary>Makes a change and records it before it is answered. While records cannot be written nothing is changed.</summary>
    /// <param name="context">The request.</param>
    /// <param name="resource">Whose IAM policy changes.</param>
    /// <param name="change">Writes the IAM policy, or deletes the resource and with it the policy.</param>
    /// <param name="answer">What is answered.</param>
    public async Task<IResult> RecordedAsync(HttpContext context, string resource, Func<Task<StoreOutcome>> change, Func<StoreOutcome, IResult> answer)
    {
        if (log.IsFailing)
        {
            return Unavailable("the records cannot be written now, so access is not changed: see that they can be written, then try again");
        }

        // What was there before is what the transaction of the change saw: two changes at once must not tell of the same one.
        var outcome = await change();
        var (before, after) = outcome switch
        {
            StoreOutcome.Written written => (written.Replaced, written.Document),
            StoreOutcome.Deleted deleted => (deleted.IamPolicy, null),
            _ => (null, null),
        };
        var (old, now) = (Entries(before, resource), Entries(after?.Content, resource));
        if (old.SetEquals(now))
        {
            return answer(outcome);
        }

        try
        {
            // The change stands, whether its author still waits or not.
            await log.ChangedAsync(context.Caller().Name, resource, after?.Etag ?? "", old, now, CancellationToken.None);
            return answer(outcome);
        }
        catch (AuditUnavailableException)
        {
            return Unavailable("the change of access is in force, and its record could not be written in time; it will be as soon as records can be written");
        }
    }

    private static IResult Unavailable(string message) => RestError.Of(StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", message, []);

    private static HashSet<AccessEntry> Entries(string? content, string resource) => AccessEntry.Of(
        content is null ? null : IamPolicyParser.Parse(Encoding.UTF8.GetBytes(content), new ProblemList(resource)), resource);
}
