using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Access.Tokens;

namespace PolicyService.Server.Access;

/// <summary>Looks at everything credentials are judged by, twice a second: certificate and key, authorities, keys of issuers.</summary>
internal sealed partial class AuthenticationWatcher(
    AuthenticationSettings settings, TrustedIssuers issuers, ClientAuthorities authorities, TimeProvider time, ILogger<AuthenticationWatcher> logger, ServerCertificate? certificate = null)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // Made here, so that a clock moved by hand after the start moves it too.
    private readonly PeriodicTimer _timer = new(Interval, time);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (!settings.IsOn)
        {
            LogOff(logger);
        }

        // Files are read before anything listens; issuers are asked, and not waited for.
        Look();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>One look at everything.</summary>
    internal void Look()
    {
        certificate?.Look();
        authorities.Look();
        foreach (var issuer in issuers.All)
        {
            issuer.Look(settings.KeysInterval);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _timer.WaitForNextTickAsync(stoppingToken))
        {
            Look();
        }
    }

    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }

    [LoggerMessage(62, LogLevel.Warning, "There is no authentication: whoever reaches this machine's ports holds every grant (see docs/access.md)")]
    private static partial void LogOff(ILogger logger);
}
