namespace PolicyService.Server.Access;

internal static class AccessServices
{
    /// <summary>Finds out who asks, before any endpoint runs.</summary>
    public static void UseCallers(this WebApplication application) => application.Use((context, next) =>
    {
        context.SetCaller(context.RequestServices.GetService<Func<HttpContext, Caller>>()?.Invoke(context) ?? Access.Caller.Anonymous);
        return next(context);
    });

    public static void AddCallerLimits(this IServiceCollection services) =>
        services.AddSingleton<QuotasInForce>().AddSingleton<CallerUsages>().AddSingleton<LimitMetrics>().AddSingleton<CallerLimiter>();

    /// <summary>Holds each caller to its quota; behind <see cref="UseCallers"/>, before anything is read.</summary>
    public static void UseCallerLimits(this WebApplication application)
    {
        var limiter = application.Services.GetRequiredService<CallerLimiter>();
        application.Use((context, next) => limiter.InvokeAsync(context, next));
    }
}
