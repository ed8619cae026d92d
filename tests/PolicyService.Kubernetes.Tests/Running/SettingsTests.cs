using Microsoft.Extensions.Configuration;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>What stops the start, in one line with a remedy.</summary>
public sealed class SettingsTests : IDisposable
{
    private static readonly string Docs = Path.Combine(CaseFolder.Root, "..", "..", "..", "docs");
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("policyservice-test-");

    /// <summary>What is changed, and what the message has. <c>DIR</c> is a directory that is there.</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { "--Service:Url ", "--Service:Url" },
        { "--Service:Url http://service.example:50051", "https://" },
        { "--Service:Url https://service.example/x", "--Service:Url" },
        { "--Cluster:Name ", "--Cluster:Name" },
        { "--Cluster:Name edge", "--Cluster:Name" },
        { "--Cluster:TrustDomain a/b", "--Cluster:TrustDomain" },
        { "--State:Directory ", "--State:Directory" },
        { "--State:Directory DIR/gone", "does not exist" },
        { "--Urls:Webhooks https://127.0.0.1:0", "no certificate" },
        { "--Urls:Webhooks http://0.0.0.0:0", "no certificate" },
        { "--Urls:Webhooks nowhere", "--Urls:Webhooks" },
        { "--Tls:Certificate DIR/file", "belong together" },
        { "--Tls:Certificate DIR/gone", "cannot be read" },
        { "--Client:Ca DIR/file", "no TLS" },
        { "--Client:Names a", "without --Client:Ca" },
        { "--Service:Ca DIR/file", "no certificate" },
        { "--Service:Key DIR/file", "belong together" },
        { "--Templates:Mode MAYBE", "WARN, ENFORCE or OFF" },
        { "--Templates:Kinds x", "--Templates:Kinds" },
        { "--Mutate:Enabled yes", "true or false" },
        { "--Events:Enabled 1", "true or false" },
        { "--Servise:Url x", "unknown setting `--Servise:Url`" },
        { "stray", "unknown setting `stray`" },
        { "--Mutate:Enabled", "has no value" },
    };

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Reference_of_settings_is_up_to_date()
    {
        var path = Path.Combine(Docs, "kubernetes-settings.md");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, AdapterSettingsTable.ToMarkdown());
        }

        Assert.Equal(File.ReadAllText(path), AdapterSettingsTable.ToMarkdown());
    }

    [Fact]
    public void Settings_are_read()
    {
        var settings = Read("--Cluster:Project acme --Cluster:TrustDomain cluster.local --Templates:Mode ENFORCE --Templates:Kinds Rollout.argoproj.io=spec.template --Mutate:Enabled true");

        Assert.Equal(("http://127.0.0.1:50051/", "dc1.edge", "acme", "cluster.local"), (settings.Service.ToString(), settings.Cluster, settings.Project, settings.TrustDomain));
        Assert.Equal((TemplateMode.Enforce, true, false, _directory.FullName), (settings.Templates, settings.PinsTags, settings.WritesEvents, settings.StateDirectory));
        Assert.Equal("Rollout", Assert.Single(settings.TemplateKinds).Kind.Kind);
    }

    [Theory, MemberData(nameof(Refused))]
    public void Unusable_setting_stops_the_start(string change, string message)
    {
        var refused = Assert.Throws<SettingsException>(() => Read(change));

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task Process_says_so_in_one_line_and_ends_with_2()
    {
        var (code, errors) = await AdapterProcess.FailAsync("--Cluster:Name", "x\ny");

        Assert.Equal(2, code);
        Assert.StartsWith("PolicyService adapter does not start: ", Assert.Single(errors), StringComparison.Ordinal);
    }

    private AdapterSettings Read(string change)
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "file"), "no certificate");
        var (name, value) = change.Split(' ', 2) is [var one, var rest] ? (one, rest) : (change, null);
        var values = new Dictionary<string, string>
        {
            ["--Service:Url"] = "http://127.0.0.1:50051",
            ["--Cluster:Name"] = "dc1.edge",
            ["--State:Directory"] = _directory.FullName,
            ["--Urls:Webhooks"] = "http://127.0.0.1:0",
        };
        var pairs = value is null ? [name] : $"{name} {value}".Replace("DIR", _directory.FullName, StringComparison.Ordinal).Split(' ');
        List<string> arguments = [];
        for (var index = 0; index < pairs.Length; index++)
        {
            if (index + 1 < pairs.Length && values.ContainsKey(pairs[index]))
            {
                values[pairs[index]] = pairs[++index];
            }
            else
            {
                arguments.Add(pairs[index]);
            }
        }

        string[] all = [.. values.SelectMany(pair => new[] { pair.Key, pair.Value }), .. arguments];
        return AdapterSettingsReader.Read(new ConfigurationBuilder().AddCommandLine(all).Build(), all);
    }
}
