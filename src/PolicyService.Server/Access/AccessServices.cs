using PolicyService.Server.Audits;

namespace PolicyService.Server.Access;

internal static class AccessServices
{
    public static void AddAccess(this IServiceCollection services) => services.AddSingleton<AccessLog>().AddSingleton<AccessGate>().AddSingleton<EvaluatorGate>().AddSingleton<IamChanges>();

    /// <summary>Finds out who asks, before any endpoint runs.</summary>
    public static void UseCallers(this WebApplication application) => application.Use((context, next) =>
    {
        context.SetCaller(context.RequestServices.GetService<Func<HttpContext, Caller>>()?.Invoke(context) ?? Access.Caller.Anonymous);
        return next(context);
    });

    /// <summary>Lets nobody further who may not; behind <see cref="UseCallers"/>, before anything is read.</summary>
    public static void UseAccess(this WebApplication application)
    {
        var gate = application.Services.GetRequiredService<AccessGate>();
        application.Use((context, next) => gate.InvokeAsync(context, next));
    }
}
