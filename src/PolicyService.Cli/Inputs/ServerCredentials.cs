using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using PolicyService.Api.Clients;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Inputs;

/// <summary>The options by which a verb that asks a server says who asks, and how it knows the server.</summary>
internal sealed class ServerCredentials
{
    /// <summary>Environment variable of a token, for pipelines that have it there.</summary>
    public const string Variable = "POLICYCTL_TOKEN";

    private readonly Option<string?> _tokenFile = new("--token-file") { HelpName = "FILE", Description = $"With --server: file of the bearer token; else that of {Variable}, if set" };
    private readonly Option<string?> _ca = new("--ca") { HelpName = "FILE", Description = "With --server: authorities of its certificate in PEM, instead of the system's" };
    private readonly Option<string?> _certificate = new("--client-certificate") { HelpName = "FILE", Description = "With --server: certificate to show it, in PEM" };
    private readonly Option<string?> _key = new("--client-key") { HelpName = "FILE", Description = "Private key of --client-certificate, in PEM" };

    public IEnumerable<Option> Options => [_tokenFile, _ca, _certificate, _key];

    /// <summary>What makes no sense together.</summary>
    public void Validate(CommandResult result, bool isServer)
    {
        foreach (var option in isServer ? [] : Options.Where(option => result.GetResult(option) is not null))
        {
            result.AddError($"{option.Name}: without a server nobody looks at it; use it with --server");
        }

        if (isServer && result.GetResult(_certificate) is null != result.GetResult(_key) is null)
        {
            result.AddError("--client-certificate and --client-key belong together: give both");
        }
    }

    /// <summary>Reads them; false after saying what is wrong.</summary>
    public bool TryRead(ParseResult parsed, Uri server, Terminal terminal, [NotNullWhen(true)] out ClientCredentials? credentials)
    {
        credentials = null;
        try
        {
            var read = new ClientCredentials
            {
                Token = Token(parsed.GetValue(_tokenFile)),
                Authorities = parsed.GetValue(_ca) is { } ca ? ClientCredentials.AuthoritiesOfFile(ca) : null,
                Certificate = parsed.GetValue(_certificate) is { } certificate ? ClientCredentials.CertificateOfFiles(certificate, parsed.GetValue(_key)!) : null,
            };
            if (read.ProblemWith(server) is { } problem)
            {
                terminal.Say($"--server {server.GetLeftPart(UriPartial.Authority)}: {problem}");
                return false;
            }

            credentials = read;
            return true;
        }
        catch (CredentialsException exception)
        {
            terminal.Say(exception.Message);
            return false;
        }
    }

    private static Func<CancellationToken, ValueTask<string>>? Token(string? file)
    {
        if (file is not null)
        {
            // What cannot be read now is told now; later each call reads it anew.
            if (!InputFile.TryRead(file, null, ClientCredentials.MaxTokenLength + 2, out var content, out var problem))
            {
                throw new CredentialsException($"--token-file: {problem}");
            }

            ClientCredentials.TokenOfText(System.Text.Encoding.UTF8.GetString(content), "--token-file");
            return ClientCredentials.TokenOfFile(file);
        }

        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text)
        {
            return null;
        }

        var token = ClientCredentials.TokenOfText(text, Variable);
        return _ => ValueTask.FromResult(token);
    }
}
