using PolicyService.Core.Access;
using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Access.Tokens;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Access;

/// <summary>Looks at everything credentials are judged by, four times a second: certificate and key, authorities, issuers and their keys.</summary>
internal sealed partial class AuthenticationWatcher(
    AuthenticationSettings settings, TrustedIssuers issuers, ClientAuthorities authorities, SnapshotInForce inForce, TimeProvider time, ILogger<AuthenticationWatcher> logger, ServerCertificate? certificate = null)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // Made here, so that a clock moved by hand after the start moves it too.
    private readonly PeriodicTimer _timer = new(Interval, time);
    private AccessFile? _file;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (!settings.IsOn)
        {
            LogOff(logger);
        }

        // Files are read before anything listens; issuers are asked, and not waited for.
        Look();
        if (settings.IsOn && settings.ClientCa is null && issuers.All.Count == 0)
        {
            LogNobody(logger);
        }

        return base.StartAsync(cancellationToken);
    }

    /// <summary>One look at everything.</summary>
    internal void Look()
    {
        certificate?.Look();
        authorities.Look();
        if (inForce.Current?.Snapshot.Access?.File is { } file && !ReferenceEquals(file, _file))
        {
            _file = file;
            issuers.Replace(file.Issuers);
        }

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

    [LoggerMessage(64, LogLevel.Error, "Nobody can authenticate: neither flags nor the access file name an issuer, and there is no --Auth:ClientCa; every request is refused")]
    private static partial void LogNobody(ILogger logger);
}
