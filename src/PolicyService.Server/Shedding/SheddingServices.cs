namespace PolicyService.Server.Shedding;

internal static class SheddingServices
{
    /// <summary>Watches how long work waits, and refuses some when it waits too long.</summary>
    public static void AddShedding(this IServiceCollection services) => services
        .AddSingleton(_ => new OverloadControl(TimeProvider.System)).AddSingleton<SheddingMetrics>().AddSingleton<LoadShedder>().AddHostedService<WorkWaitProbe>();

    /// <summary>Refuses what the machine has no time for; behind the middleware that finds out who asks, before everything that costs more.</summary>
    public static void UseShedding(this WebApplication application)
    {
        var shedder = application.Services.GetRequiredService<LoadShedder>();
        application.Use((context, next) => shedder.InvokeAsync(context, next));
    }
}
