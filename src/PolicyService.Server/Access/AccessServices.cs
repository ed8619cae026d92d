using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Access.Tokens;
using PolicyService.Server.Audits;

namespace PolicyService.Server.Access;

internal static class AccessServices
{
    /// <summary>Who may do what.</summary>
    public static void AddAccess(this IServiceCollection services) => services.AddSingleton<AccessLog>().AddSingleton<AccessGate>().AddSingleton<EvaluatorGate>().AddSingleton<IamChanges>();

    /// <summary>Who may ask: everything that settings name is read here, so that a file that cannot be used stops the start.</summary>
    public static IServiceCollection AddAuthentication(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton(settings.Authentication).AddSingleton<AccessProblems>().AddSingleton<AccessChanges>();
        services.AddSingleton<TrustedIssuers>().AddSingleton<TokenVerifier>().AddSingleton<ClientAuthorities>().AddSingleton<Authenticator>();
        services.AddSingleton<AuthenticationLog>();
        services.AddSingleton(provider => new CallerWatch(provider.GetRequiredService<AccessChanges>(), provider.GetRequiredService<TimeProvider>()));
        if (settings.Tls is not null)
        {
            services.AddSingleton(settings.Tls).AddSingleton<ServerCertificate>().AddSingleton<TlsConnections>();
        }

        return services.AddSingleton(provider => new AuthenticationWatcher(
                settings.Authentication,
                provider.GetRequiredService<TrustedIssuers>(),
                provider.GetRequiredService<ClientAuthorities>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<AuthenticationWatcher>>(),
                provider.GetService<ServerCertificate>()))
            .AddHostedService(provider => provider.GetRequiredService<AuthenticationWatcher>());
    }

    /// <summary>Finds out who asks, before anything else of a request is looked at.</summary>
    public static void UseCallers(this WebApplication application)
    {
        var authenticator = application.Services.GetRequiredService<Authenticator>();
        // Files that cannot be used must stop the start, and not the first request.
        application.Services.GetRequiredService<ClientAuthorities>();
        application.Services.GetService<ServerCertificate>();
        var log = application.Services.GetRequiredService<AuthenticationLog>();
        var told = application.Services.GetService<Func<HttpContext, Caller>>();
        application.Use(async (context, next) =>
        {
            if (told is not null)
            {
                // Nobody but a test registers it.
                context.SetCaller(told(context));
            }
            else if (!authenticator.IsOn)
            {
                context.SetCaller(Access.Caller.Anonymous);
            }
            else if (AnonymousAccess.IsGiven(context) && context.Request.Headers.Authorization.Count == 0)
            {
                context.SetCaller(Access.Caller.Unauthenticated);
            }
            else
            {
                var (caller, problem) = await authenticator.AuthenticateAsync(context);
                if (caller is null && !AnonymousAccess.IsGiven(context))
                {
                    log.Refused(problem!);
                    await UnauthenticatedAnswer.WriteAsync(context, problem!);
                    return;
                }

                // A probe is answered whatever it brings along.
                context.SetCaller(caller ?? Access.Caller.Unauthenticated);
            }

            await next(context);
        });
    }

    /// <summary>Lets nobody further who may not; behind <see cref="UseCallers"/>, before anything is read.</summary>
    public static void UseAccess(this WebApplication application)
    {
        var gate = application.Services.GetRequiredService<AccessGate>();
        application.Use((context, next) => gate.InvokeAsync(context, next));
    }
}
