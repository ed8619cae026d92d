using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Access.Tokens;
using PolicyService.Server.Audits;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Access;

internal static class AccessServices
{
    /// <summary>Who may ask, and who may change.</summary>
    public static void AddAccess(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<AccessLog>().AddSingleton<AccessGate>().AddSingleton<EvaluatorGate>().AddSingleton<IamChanges>();
        services.AddSingleton(settings.Authentication).AddSingleton<AccessProblems>().AddSingleton<AccessChanges>();
        services.AddSingleton<TrustedIssuers>().AddSingleton<TokenVerifier>().AddSingleton<ClientAuthorities>();
        services.AddSingleton<Authenticator>().AddSingleton<AuthenticationLog>();
        services.AddSingleton(provider => new CallerWatch(provider.GetRequiredService<AccessChanges>(), provider.GetRequiredService<TimeProvider>()));
        if (settings.Tls is not null)
        {
            services.AddSingleton(settings.Tls).AddSingleton<ServerCertificate>().AddSingleton<TlsConnections>();
        }

        services.AddSingleton(provider => new AuthenticationWatcher(
                settings.Authentication,
                provider.GetRequiredService<TrustedIssuers>(),
                provider.GetRequiredService<ClientAuthorities>(),
                provider.GetRequiredService<SnapshotInForce>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<AuthenticationWatcher>>(),
                provider.GetService<ServerCertificate>()))
            .AddHostedService(provider => provider.GetRequiredService<AuthenticationWatcher>());
    }

    /// <summary>Finds out who asks, before anything else of a request is looked at.</summary>
    public static void UseCallers(this WebApplication application)
    {
        var isOn = application.Services.GetRequiredService<ServerSettings>().RequiresCallers;
        var authenticator = application.Services.GetRequiredService<Authenticator>();
        // Files that cannot be used must stop the start, and not the first request.
        application.Services.GetRequiredService<ClientAuthorities>();
        application.Services.GetService<ServerCertificate>();
        var log = application.Services.GetRequiredService<AuthenticationLog>();
        var said = application.Services.GetService<AssertedCallers>();
        application.Use((context, next) =>
        {
            if (isOn && said is null)
            {
                return AuthenticatedAsync(context, next, authenticator, log);
            }

            context.SetCaller(said?.Of(context) ?? Access.Caller.Anonymous);
            return next(context);
        });
    }

    private static async Task AuthenticatedAsync(HttpContext context, RequestDelegate next, Authenticator authenticator, AuthenticationLog log)
    {
        // By the endpoint that will run, not by the path, of which there are many spellings.
        var isOpen = context.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>() is { Kind: AccessKind.Open };
        var (caller, problem) = isOpen && !Authenticator.HasCredentials(context) ? default : await authenticator.AuthenticateAsync(context);
        if (caller is null && !isOpen)
        {
            log.Refused(problem!);
            await UnauthenticatedAnswer.WriteAsync(context, problem!);
            return;
        }

        // A probe is answered whatever it brings along.
        context.SetCaller(caller ?? Access.Caller.Unauthenticated);
        await next(context);
    }

    /// <summary>Lets nobody further who may not; behind <see cref="UseCallers"/>, before anything is read.</summary>
    public static void UseAccess(this WebApplication application)
    {
        var gate = application.Services.GetRequiredService<AccessGate>();
        application.Use((context, next) => gate.InvokeAsync(context, next));
    }

    public static void AddCallerLimits(this IServiceCollection services) =>
        services.AddSingleton<QuotasInForce>().AddSingleton<CallerUsages>().AddSingleton<LimitMetrics>().AddSingleton<CallerLimiter>();

    /// <summary>Holds each caller to its quota; behind <see cref="UseCallers"/>, before anything is read.</summary>
    public static void UseCallerLimits(this WebApplication application)
    {
        var limiter = application.Services.GetRequiredService<CallerLimiter>();
        application.Use((context, next) => limiter.InvokeAsync(context, next));
    }

    /// <summary>Ends streams whose callers must authenticate anew; behind <see cref="UseCallers"/>.</summary>
    public static void UseStreamEnds(this WebApplication application)
    {
        var ends = new StreamEnds(application.Services.GetRequiredService<CallerWatch>(), application.Services.GetRequiredService<TimeProvider>());
        application.Use((context, next) => ends.InvokeAsync(context, next));
    }
}
