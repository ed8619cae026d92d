using System.Net;
using PolicyService.Api.Clients;
using PolicyService.Kubernetes.Connections;
using PolicyService.Kubernetes.Workloads;

namespace PolicyService.Kubernetes;

/// <summary>Reads the settings of the adapter from flags and the environment.</summary>
public static class AdapterSettingsReader
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(3);

    /// <summary>With the above less than the 30 s in which the host ends.</summary>
    private static readonly TimeSpan ForwardTime = TimeSpan.FromSeconds(20);

    /// <param name="configuration">Flags and environment.</param>
    /// <param name="arguments">The command line.</param>
    /// <exception cref="SettingsException">A setting is missing, unknown or unusable.</exception>
    public static AdapterSettings Read(IConfiguration configuration, IEnumerable<string> arguments)
    {
        RefuseUnknown(arguments);
        var tls = Pair(configuration, AdapterSettingsTable.TlsCertificate, AdapterSettingsTable.TlsKey);
        var clientCa = ReadableFile(configuration, AdapterSettingsTable.ClientCa);
        var names = (Text(configuration, AdapterSettingsTable.ClientNames) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (clientCa is null && names.Length > 0)
        {
            throw new SettingsException($"{AdapterSettingsTable.ClientNames.Flag} is set without {AdapterSettingsTable.ClientCa.Flag}: nobody's certificate is looked at then");
        }

        if (clientCa is not null && tls is null)
        {
            throw new SettingsException($"{AdapterSettingsTable.ClientCa.Flag} is set and there is no TLS: set {AdapterSettingsTable.TlsCertificate.Flag} and {AdapterSettingsTable.TlsKey.Flag}");
        }

        return new AdapterSettings
        {
            Service = ServiceUrl(configuration),
            Cluster = Cluster(configuration),
            Project = Text(configuration, AdapterSettingsTable.ClusterProject) ?? "",
            TrustDomain = TrustDomain(configuration),
            ServiceFiles = ServiceFiles(configuration),
            Listen = Listen(configuration, tls is not null),
            Tls = tls,
            ClientCa = clientCa,
            ClientNames = names,
            Templates = Templates(configuration),
            TemplateKinds = TemplatePath.ParseList(Text(configuration, AdapterSettingsTable.TemplatesKinds) ?? ""),
            StateDirectory = StateDirectory(configuration),
            PinsTags = Flag(configuration, AdapterSettingsTable.MutateEnabled, false),
            WritesEvents = Flag(configuration, AdapterSettingsTable.EventsEnabled, configuration["KUBERNETES_SERVICE_HOST"] is { Length: > 0 }),
            Linger = Linger,
            ForwardTime = ForwardTime,
        };
    }

    private static string? Text(IConfiguration configuration, AdapterSetting setting) => configuration[setting.Name] is { Length: > 0 } text ? text : null;

    private static Uri ServiceUrl(IConfiguration configuration)
    {
        var text = Text(configuration, AdapterSettingsTable.ServiceUrl);
        return PolicyDecisionChannel.TryParseUrl(text, out var url) && (url.Scheme == Uri.UriSchemeHttps || url.IsLoopback)
            ? url
            // Whoever is on the way could answer ALLOW.
            : throw new SettingsException($"{AdapterSettingsTable.ServiceUrl.Flag} is `{OneLine(text)}`: write https://<host>:<port>, or http:// with a loopback address");
    }

    private static string Cluster(IConfiguration configuration)
    {
        var text = Text(configuration, AdapterSettingsTable.ClusterName) ?? "";
        return text.Split('.') is [{ Length: > 0 }, { Length: > 0 }] && text.Length <= 256 && text.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '.')
            ? text
            : throw new SettingsException($"{AdapterSettingsTable.ClusterName.Flag} is `{OneLine(text)}`: write location.cluster_id, as policies name the cluster");
    }

    private static string TrustDomain(IConfiguration configuration)
    {
        var text = Text(configuration, AdapterSettingsTable.ClusterTrustDomain) ?? "";
        return text.Length <= 255 && text.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '.' or '_')
            ? text
            : throw new SettingsException($"{AdapterSettingsTable.ClusterTrustDomain.Flag} is `{OneLine(text)}`: write the domain alone, such as cluster.local");
    }

    private static ServiceFiles ServiceFiles(IConfiguration configuration)
    {
        var files = new ServiceFiles
        {
            Ca = ReadableFile(configuration, AdapterSettingsTable.ServiceCa),
            Own = Pair(configuration, AdapterSettingsTable.ServiceCertificate, AdapterSettingsTable.ServiceKey),
            Token = ReadableFile(configuration, AdapterSettingsTable.ServiceTokenFile),
        };
        try
        {
            return files.Load().ProblemWith(ServiceUrl(configuration)) is { } problem ? throw new SettingsException(problem) : files;
        }
        catch (CredentialsException exception)
        {
            throw new SettingsException(exception.Message);
        }
    }

    private static IPEndPoint Listen(IConfiguration configuration, bool isTls)
    {
        var text = Text(configuration, AdapterSettingsTable.UrlsWebhooks) ?? "https://0.0.0.0:8443";
        var isUrl = PolicyDecisionChannel.TryParseUrl(text, out var url);
        var host = !isUrl ? null : url!.Host == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) ? address : null;
        if (host is null)
        {
            throw new SettingsException($"{AdapterSettingsTable.UrlsWebhooks.Flag} is `{OneLine(text)}`: write https://<address>:<port>");
        }

        var isHttps = url!.Scheme == Uri.UriSchemeHttps;
        return isHttps == isTls && (isTls || IPAddress.IsLoopback(host)) ? new IPEndPoint(host, url.Port)
            : throw new SettingsException(isTls
                ? $"{AdapterSettingsTable.UrlsWebhooks.Flag} is `{OneLine(text)}` and there is a certificate: write https://"
                : $"{AdapterSettingsTable.UrlsWebhooks.Flag} is `{OneLine(text)}` and there is no certificate: set {AdapterSettingsTable.TlsCertificate.Flag} and {AdapterSettingsTable.TlsKey.Flag}, or write http:// with a loopback address");
    }

    private static TemplateMode Templates(IConfiguration configuration) => Text(configuration, AdapterSettingsTable.TemplatesMode) switch
    {
        null or "WARN" => TemplateMode.Warn,
        "ENFORCE" => TemplateMode.Enforce,
        "OFF" => TemplateMode.Off,
        var other => throw new SettingsException($"{AdapterSettingsTable.TemplatesMode.Flag} is `{OneLine(other)}`: write WARN, ENFORCE or OFF"),
    };

    private static string StateDirectory(IConfiguration configuration)
    {
        var text = Text(configuration, AdapterSettingsTable.StateDirectory)
            ?? throw new SettingsException($"{AdapterSettingsTable.StateDirectory.Flag} is missing: name a directory that outlives the container");
        return Directory.Exists(text) ? Path.GetFullPath(text) : throw new SettingsException($"the directory `{OneLine(text)}` does not exist: create it, or mend {AdapterSettingsTable.StateDirectory.Flag}");
    }

    private static bool Flag(IConfiguration configuration, AdapterSetting setting, bool otherwise) => Text(configuration, setting) switch
    {
        null => otherwise,
        "true" => true,
        "false" => false,
        var other => throw new SettingsException($"{setting.Flag} is `{OneLine(other)}`: write true or false"),
    };

    private static TlsFiles? Pair(IConfiguration configuration, AdapterSetting certificate, AdapterSetting key) =>
        (ReadableFile(configuration, certificate), ReadableFile(configuration, key)) switch
        {
            (null, null) => null,
            ({ } one, { } other) => new TlsFiles(one, other),
            _ => throw new SettingsException($"{certificate.Flag} and {key.Flag} belong together: set both, or neither"),
        };

    private static string? ReadableFile(IConfiguration configuration, AdapterSetting setting)
    {
        if (Text(configuration, setting) is not { } text)
        {
            return null;
        }

        try
        {
            File.OpenRead(text).Dispose();
            return Path.GetFullPath(text);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"the file `{OneLine(text)}` of {setting.Flag} cannot be read ({exception.GetType().Name}): mend it, or leave the flag out");
        }
    }

    private static string OneLine(string? text) => string.Concat((text ?? "").Select(character => char.IsControl(character) ? '?' : character));

    /// <summary>A misspelt flag would otherwise be ignored, and what it should have secured with it.</summary>
    private static void RefuseUnknown(IEnumerable<string> arguments)
    {
        var pending = "";
        foreach (var argument in arguments)
        {
            if (pending.Length > 0)
            {
                pending = "";
                continue;
            }

            var name = argument.Split('=')[0];
            if (!AdapterSettingsTable.All.Any(setting => string.Equals(setting.Flag, name, StringComparison.OrdinalIgnoreCase)))
            {
                throw new SettingsException($"unknown setting `{OneLine(name)}`: use one of {string.Join(", ", AdapterSettingsTable.All.Select(setting => setting.Flag))}");
            }

            pending = name == argument ? name : "";
        }

        if (pending.Length > 0)
        {
            throw new SettingsException($"{pending} has no value: write one behind it");
        }
    }
}
