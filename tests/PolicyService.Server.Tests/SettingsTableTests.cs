using Microsoft.Extensions.Configuration;

namespace PolicyService.Server.Tests;

public sealed class SettingsTableTests
{
    private static readonly string Docs = Path.Combine(CaseFolder.Root, "..", "..", "..", "docs");

    [Fact]
    public void Reference_of_settings_is_up_to_date()
    {
        var path = Path.Combine(Docs, "settings.md");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, SettingsTable.ToMarkdown());
        }

        Assert.Equal(File.ReadAllText(path), SettingsTable.ToMarkdown());
    }

    [Fact]
    public void Operations_page_leads_to_the_reference() =>
        Assert.Contains("(settings.md)", File.ReadAllText(Path.Combine(Docs, "operations.md")), StringComparison.Ordinal);

    [Fact]
    public void Every_setting_of_the_table_is_one_the_service_reads()
    {
        Assert.Equal(SettingsTable.All.Count, SettingsTable.All.Select(setting => setting.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        var asked = new AskedConfiguration();
        Assert.Throws<SettingsException>(() => ServerSettings.Read(asked, []));
        asked.Values[SettingsTable.PoliciesDirectory.Name] = Docs;

        var settings = ServerSettings.Read(asked, []);

        Assert.Equal(SettingsTable.All.Select(setting => setting.Name).Order(StringComparer.Ordinal), asked.Names);
        Assert.Equal(SettingsTable.UrlsGrpc.Default, $"http://{settings.Grpc}");
        Assert.Equal(SettingsTable.UrlsHttp.Default, $"http://{settings.Http}");
        Assert.Equal(SettingsTable.AuditDurable.Default, settings.AuditDurable ? "true" : "false");
        Assert.Null(settings.AuditFile);
        Assert.Equal($"{SettingsTable.KmsEndpoint.Default}/", settings.KmsEndpoint.ToString());
        Assert.Equal(("1m", TimeSpan.FromMinutes(1)), (SettingsTable.KmsStateInterval.Default, settings.KmsStateInterval));
    }

    /// <summary>Remembers what it was asked for.</summary>
    private sealed class AskedConfiguration : IConfiguration
    {
        public Dictionary<string, string?> Values { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> Names { get; } = new(StringComparer.Ordinal);

        public string? this[string key]
        {
            get
            {
                Names.Add(key);
                return Values.GetValueOrDefault(key);
            }

            set => throw new NotSupportedException();
        }

        public IEnumerable<IConfigurationSection> GetChildren() => throw new NotSupportedException();

        public Microsoft.Extensions.Primitives.IChangeToken GetReloadToken() => throw new NotSupportedException();

        public IConfigurationSection GetSection(string key) => throw new NotSupportedException();
    }
}
