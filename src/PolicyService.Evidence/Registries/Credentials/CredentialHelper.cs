using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>
/// A program that keeps credentials for docker: <c>docker-credential-NAME get</c>, the server on its input, JSON on its output
/// (https://github.com/docker/docker-credential-helpers). It gets this process's environment, and what it says of errors is thrown away.
/// </summary>
internal static class CredentialHelper
{
    /// <summary>The user whose secret is an identity token.</summary>
    public const string TokenUser = "<token>";

    private const string NotFound = "credentials not found";
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };

    /// <param name="name">Its name, as <see cref="DockerConfig"/> has checked it.</param>
    /// <param name="server">The host, or for Docker Hub its URL.</param>
    /// <param name="cancellation">The end of its time; it is killed then, and whatever it started.</param>
    /// <returns>Null: it knows none.</returns>
    /// <exception cref="CredentialsException">It failed, or is not installed. Nothing is said of what it wrote.</exception>
    public static async Task<RegistryCredential?> GetAsync(string name, string server, CancellationToken cancellation)
    {
        var program = Find($"docker-credential-{name}") ?? throw new CredentialsException(CallFailure.CredentialsUnreachable);
        try
        {
            var (status, output) = await RunAsync(program, server, cancellation);
            return status == 0 ? Read(output) : IsNotFound(output) ? null : throw new CredentialsException(CallFailure.CredentialsUnreachable);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            throw new CredentialsException(CallFailure.CredentialsUnreachable);
        }
    }

    /// <summary>Looks on the path alone, never in the current directory.</summary>
    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator)
        .Where(Path.IsPathFullyQualified)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);

    private static async Task<(int Status, byte[] Output)> RunAsync(string program, string server, CancellationToken cancellation)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, ["get"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        process.Start();
        try
        {
            _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, cancellation);
            await TellAsync(process, server, cancellation);
            var output = await Bounded.ReadAsync(process.StandardOutput.BaseStream, Limits.CredentialHelperBytes, cancellation)
                ?? throw new CredentialsException(CallFailure.CredentialsUnreachable);
            await process.WaitForExitAsync(cancellation);
            return (process.ExitCode, output);
        }
        finally
        {
            End(process);
        }
    }

    private static void End(Process process)
    {
        try
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception exception) when (exception is AggregateException or InvalidOperationException or Win32Exception)
        {
            // It ended meanwhile, or a child of it belongs to somebody else: nobody waits for either.
        }
    }

    private static async Task TellAsync(Process process, string server, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(server), cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without listening; what it says counts all the same.
        }
    }

    private static bool IsNotFound(byte[] output) => Encoding.UTF8.GetString(output).TrimStart().StartsWith(NotFound, StringComparison.OrdinalIgnoreCase);

    private static RegistryCredential? Read(byte[] output)
    {
        try
        {
            using var document = JsonDocument.Parse(output, Strict);
            var (user, secret) = (Text(document.RootElement, "Username"), Text(document.RootElement, "Secret"));
            return user.Length == 0 && secret.Length == 0 ? null : new RegistryCredential(user, secret) { IsIdentityToken = user == TokenUser };
        }
        catch (JsonException)
        {
            throw new CredentialsException(CallFailure.CredentialsUnreachable);
        }
    }

    private static string Text(JsonElement root, string name) =>
        root.ValueKind is JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()!
            : throw new JsonException();
}
