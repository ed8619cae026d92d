namespace PolicyService.Server.Access;

internal static class AccessServices
{
    /// <summary>Finds out who asks, before any endpoint runs.</summary>
    public static void UseCallers(this WebApplication application) => application.Use((context, next) =>
    {
        context.SetCaller(Access.Caller.Anonymous);
        return next(context);
    });
}
