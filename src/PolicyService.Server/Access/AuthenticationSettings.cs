using PolicyService.Core.Access;
using PolicyService.Core.Documents;

namespace PolicyService.Server.Access;

/// <summary>Whose credentials count, as the flags say it (docs/access.md).</summary>
/// <param name="IsOn">Whoever asks must authenticate. Decided once: what changes afterwards never opens the service.</param>
/// <param name="ClientCa">File of the authorities of client certificates; null: none are asked for.</param>
/// <param name="ClockSkew">How far the clocks of issuers may be off.</param>
/// <param name="KeysInterval">How often keys are looked for anew by discovery.</param>
public sealed record AuthenticationSettings(bool IsOn, string? ClientCa, TimeSpan ClockSkew, TimeSpan KeysInterval)
{
    /// <summary>The issuer of the flags; null: none.</summary>
    internal TrustedIssuer? Issuer { get; private init; }

    /// <exception cref="SettingsException">A setting is unusable, or secures nothing.</exception>
    public static AuthenticationSettings Read(IConfiguration configuration)
    {
        var (name, audience, file) = (Given(configuration, SettingsTable.AuthIssuer), Given(configuration, SettingsTable.AuthAudience), Given(configuration, SettingsTable.AuthKeysFile));
        if (name is null && (audience ?? file) is not null)
        {
            throw new SettingsException($"{(audience is null ? SettingsTable.AuthKeysFile : SettingsTable.AuthAudience).Flag} is set and no issuer is: set {SettingsTable.AuthIssuer.Flag}, or take it away");
        }

        if (name is not null && audience is null)
        {
            // Any token of the issuer would do, for whatever service it was made.
            throw new SettingsException($"{SettingsTable.AuthIssuer.Flag} is set and no audience is: set {SettingsTable.AuthAudience.Flag} to what the tokens for this service have as `aud`");
        }

        if (name is not null && !IssuerParser.ParseIssuer(name, out _, out var problem))
        {
            throw new SettingsException($"{SettingsTable.AuthIssuer.Flag} is `{Shown.Value(name)}`: {problem}");
        }

        var ca = Given(configuration, SettingsTable.AuthClientCa);
        // The file may name issuers, now or later; until it does nobody can be anybody.
        var isOn = (name ?? ca ?? Given(configuration, SettingsTable.AccessFile)) is not null;
        var skew = ReadDuration(configuration, SettingsTable.AuthClockSkew, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        var interval = ReadDuration(configuration, SettingsTable.AuthKeysInterval, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1));
        return new AuthenticationSettings(isOn, ca is null ? null : Path.GetFullPath(ca), skew, interval)
        {
            Issuer = name is null ? null : new TrustedIssuer(name, audience!) { KeysFile = file is null ? null : Path.GetFullPath(file), AnyDomain = true, Groups = true },
        };
    }

    private static string? Given(IConfiguration configuration, Setting setting) => configuration[setting.Name] is { Length: > 0 } text ? text : null;

    private static TimeSpan ReadDuration(IConfiguration configuration, Setting setting, TimeSpan least, TimeSpan most)
    {
        var text = Given(configuration, setting) ?? setting.Default!;
        if (text == "0s" && least == TimeSpan.Zero)
        {
            return TimeSpan.Zero;
        }

        return ValueParsers.Duration(text, out var duration, out _) && duration >= least && duration <= most
            ? duration
            : throw new SettingsException($"{setting.Flag} is `{Shown.Value(text)}`: write {setting.Type.Replace("`", "", StringComparison.Ordinal)}, such as {setting.Default}");
    }
}
