namespace PolicyService.Server.Access;

/// <summary>
/// Says who asks instead of authentication. Only tests register one; a type of its own and internal, so that nothing else that is registered can
/// ever stand in for credentials.
/// </summary>
internal sealed class AssertedCallers(Func<HttpContext, Caller> callerOf)
{
    public Caller Of(HttpContext context) => callerOf(context);
}
