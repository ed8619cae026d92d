using System.Net.Security;
using PolicyService.Api.Clients;
using PolicyService.Kubernetes.Events;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Connections;

/// <summary>The adapter's own certificate as its files last held one. What cannot be used leaves the last one; open connections keep theirs.</summary>
internal sealed partial class AdapterCertificate
{
    private static readonly TimeSpan Soon = TimeSpan.FromDays(7);
    private readonly TlsFiles? _paths;
    private readonly FileSet _files;
    private readonly AdapterMetrics _metrics;
    private readonly EventWriter _events;
    private readonly TimeProvider _time;
    private readonly ILogger<AdapterCertificate> _logger;
    private SslStreamCertificateContext? _current;

    /// <exception cref="SettingsException">There should be one, and it cannot be used.</exception>
    public AdapterCertificate(AdapterSettings settings, AdapterMetrics metrics, EventWriter events, TimeProvider time, ILogger<AdapterCertificate> logger)
    {
        (_paths, _metrics, _events, _time, _logger) = (settings.Tls, metrics, events, time, logger);
        _files = new FileSet(_paths is null ? [] : [_paths.Certificate, _paths.Key]);
        try
        {
            _current = _paths is null ? null : ClientCredentials.CertificateOfFiles(_paths.Certificate, _paths.Key);
        }
        catch (CredentialsException exception)
        {
            throw new SettingsException($"{exception.Message}: mend {AdapterSettingsTable.TlsCertificate.Flag} and {AdapterSettingsTable.TlsKey.Flag}");
        }
    }

    /// <summary>For the next connection; null: there is no TLS.</summary>
    public SslStreamCertificateContext? Current => Volatile.Read(ref _current);

    /// <summary>Looks at the files, and at the time. One caller at a time.</summary>
    public void Look()
    {
        if (_paths is null)
        {
            return;
        }

        if (_files.IsNew())
        {
            try
            {
                Volatile.Write(ref _current, ClientCredentials.CertificateOfFiles(_paths.Certificate, _paths.Key));
                _metrics.CertificateProblem.Set(0);
                LogRenewed(_logger);
            }
            catch (CredentialsException exception)
            {
                _metrics.CertificateProblem.Set(1);
                LogUnusable(_logger, exception.Message);
            }
        }

        var left = Current!.TargetCertificate.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime;
        _metrics.CertificateExpiry.Set(left.TotalSeconds);
        if (left < Soon)
        {
            _events.Offer(AdapterEvent.CertificateExpiring, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the adapter's certificate expires in {left.TotalHours:0} h: renew the files of {AdapterSettingsTable.TlsCertificate.Flag}"));
        }
    }

    [LoggerMessage(3261, LogLevel.Information, "New connections get the new certificate")]
    private static partial void LogRenewed(ILogger logger);

    [LoggerMessage(3262, LogLevel.Error, "The certificate files cannot be used as they are: {Problem}; the last good certificate stays in use")]
    private static partial void LogUnusable(ILogger logger, string problem);
}
