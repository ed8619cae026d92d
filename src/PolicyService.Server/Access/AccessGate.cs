using System.Globalization;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Server.Audits;
using PolicyService.Server.Endpoints.Rest;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Access;

/// <summary>
/// May this caller do this to that resource? Asked once for every request before its endpoint runs and before its body is read, and again by
/// endpoints whose body names further resources. A request sees one version of the rules.
/// </summary>
internal sealed class AccessGate(SnapshotInForce inForce, ServerSettings settings, AccessLog log)
{
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint() is not { } endpoint)
        {
            return next(context);
        }

        var requirement = endpoint.Metadata.GetMetadata<AccessRequirement>();
        if (requirement is { Kind: AccessKind.Open or AccessKind.Authenticated or AccessKind.PerMessage } || AccessRequirements.IsFrameworks(endpoint))
        {
            return next(context);
        }

        var refusal = requirement switch
        {
            null => "nobody may call this method: its permission is not known",
            { Kind: AccessKind.Permission } needed => Check(context, needed.Permission, needed.ResourceOf(context)),
            _ => "nobody may call this method",
        };
        return refusal is null ? next(context) : RefuseAsync(context, refusal);
    }

    /// <summary>The answer to a request that lacks a permission; null: it has it.</summary>
    public IResult? Refusal(HttpContext context, string permission, string resource) =>
        Check(context, permission, resource) is { } message ? Forbidden(message) : null;

    /// <summary>Those of the permissions that the caller has.</summary>
    public IReadOnlyList<string> Granted(HttpContext context, IReadOnlyList<string> permissions, string resource) =>
        Rules(context) is { } rules ? [.. permissions.Where(permission => rules.Allows(context.Caller().Members, permission, resource))] : permissions;

    /// <summary>Says what is missing and where it could be granted, and nothing about the resource but its name.</summary>
    internal static string Missing(string caller, string permission, string resource)
    {
        var (name, hasPolicy) = (Shown.Value(resource), resource.EndsWith("/policy", StringComparison.Ordinal) || resource.Contains("/attestors/", StringComparison.Ordinal));
        var role = Roles.With(permission)?.Name;
        return $"{Shown.Value(caller)} lacks {permission} on {name}: grant it a role that has it, such as {role}, in the access file"
            + (hasPolicy && resource.StartsWith("projects/", StringComparison.Ordinal) ? $" or in the IAM policy of {name}" : "");
    }

    private static IResult Forbidden(string message) => RestError.Of(StatusCodes.Status403Forbidden, "PERMISSION_DENIED", message, []);

    private string? Check(HttpContext context, string permission, string resource)
    {
        if (Rules(context) is not { } rules)
        {
            return null;
        }

        var caller = context.Caller();
        if (rules.Find(caller.Members, permission, resource) is { } grant)
        {
            log.Used(caller.Name, grant);
            return null;
        }

        log.Denied(permission);
        return Missing(caller.Name, permission, resource);
    }

    /// <summary>The rules this request sees; null: no authentication is configured.</summary>
    private AccessRules? Rules(HttpContext context)
    {
        if (!settings.RequiresCallers)
        {
            return null;
        }

        if (context.Features.Get<AccessRules>() is not { } rules)
        {
            context.Features.Set(rules = inForce.Current?.Snapshot.Access ?? AccessRules.Nothing);
        }

        return rules;
    }

    private static async Task RefuseAsync(HttpContext context, string message)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) is not true)
        {
            await Forbidden(message).ExecuteAsync(context);
            return;
        }

        await UnreadRequest.DiscardAsync(context);

        // A response of trailers alone (the gRPC protocol over HTTP/2).
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)Grpc.Core.StatusCode.PermissionDenied).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = UnauthenticatedAnswer.Encode(message);
        await context.Response.CompleteAsync();
    }
}
