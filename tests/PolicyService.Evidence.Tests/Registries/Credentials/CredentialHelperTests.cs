using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Registries.Credentials;

namespace PolicyService.Evidence.Tests.Registries.Credentials;

/// <summary>Credential helpers: real programs, found on the path, that do as they should and as they should not.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class CredentialHelperTests : IDisposable
{
    private static readonly string Secret = Canary.For("credential-helper");
    private static int _made;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("credential-helper-");
    private readonly FakeTimeProvider _clock = new();
    private readonly string _name = $"test-{Interlocked.Increment(ref _made)}-{Environment.ProcessId}";
    private readonly RegistryCredentialStore _store;

    public CredentialHelperTests()
    {
        _store = new RegistryCredentialStore(new RegistrySettings { DockerConfigFile = ConfigFile }, _clock);
        Write($$$$"""{"credHelpers": {"registry.example.com": "{{{{_name}}}}", "index.docker.io": "{{{{_name}}}}", "file.example.com": ""}, "auths": {"file.example.com": {"username": "file", "password": "p"}}}""");
        lock (Path)
        {
            Environment.SetEnvironmentVariable("PATH", $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}");
        }
    }

    private static readonly string Path = "PATH";

    private string ConfigFile => System.IO.Path.Combine(_folder.FullName, "config.json");

    private string Calls => System.IO.Path.Combine(_folder.FullName, "calls");

    private static string Given => $$$$"""{"ServerURL": "registry.example.com", "Username": "user", "Secret": "{{{{Secret}}}}"}""";

    /// <summary>GIVEN stands for what a helper should say and SECRET for the secret in it: rows are printed.</summary>
    public static TheoryData<string, string> Failing => new()
    {
        { "status", "echo 'GIVEN'; exit 1" },
        { "another error", "echo 'the keychain is locked'; exit 1" },
        { "nothing", "exit 0" },
        { "no JSON", "echo user" },
        { "no object", "echo '[]'" },
        { "duplicate key", """echo '{"Username": "user", "Secret": "SECRET", "Secret": "SECRET"}'""" },
        { "no secret", """echo '{"Username": "user"}'""" },
        { "a secret that is a number", """echo '{"Username": "user", "Secret": 1}'""" },
        { "too much", "echo 'GIVEN'; head -c 70000 /dev/zero | tr '\\0' ' '" },
        { "endless", "cat /dev/zero" },
    };

    public void Dispose()
    {
        lock (Path)
        {
            Environment.SetEnvironmentVariable("PATH", Environment.GetEnvironmentVariable("PATH")!.Replace($"{_folder.FullName}:", "", StringComparison.Ordinal));
        }

        _store.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Helper_is_asked_as_docker_asks()
    {
        Install($"echo \"$1 $(cat)\" >> {Calls}; echo '{Given}'");

        Assert.Equal(new RegistryCredential("user", Secret), await Find("registry.example.com"));
        Assert.Equal(new RegistryCredential("user", Secret), await Find("docker.io"));

        Assert.Equal(["get registry.example.com", "get https://index.docker.io/v1/"], await File.ReadAllLinesAsync(Calls, Cancellation));
    }

    [Fact]
    public async Task Helper_for_all_is_asked_where_none_is_named_and_an_empty_name_means_the_file()
    {
        Write($$$$"""{"credsStore": "{{{{_name}}}}", "credHelpers": {"file.example.com": ""}, "auths": {"file.example.com": {"username": "file", "password": "p"}}}""");
        Install($"echo '{Given}'");

        Assert.Equal("user", (await Find("other.example.com"))?.User);
        Assert.Equal("file", (await Find("file.example.com"))?.User);
    }

    [Fact]
    public async Task Token_user_means_an_identity_token()
    {
        Install($$$$"""echo '{"Username": "<token>", "Secret": "{{{{Secret}}}}"}'""");

        Assert.Equal(new RegistryCredential("<token>", Secret) { IsIdentityToken = true }, await Find("registry.example.com"));
    }

    [Fact]
    public async Task Not_found_is_none()
    {
        Install("echo 'credentials not found in native keychain'; exit 1");

        Assert.Null(await Find("registry.example.com"));
    }

    [Theory, MemberData(nameof(Failing))]
    public async Task Helper_that_fails_is_said_without_a_word_of_it(string name, string script)
    {
        Install($"echo '{Secret}' >&2; {script.Replace("GIVEN", Given, StringComparison.Ordinal).Replace("SECRET", Secret, StringComparison.Ordinal)}");

        Assert.True((await Refused()).Failure is CallFailure.CredentialsUnreachable, name);
    }

    [Fact]
    public async Task Helper_that_is_not_installed_fails()
    {
        Assert.Equal(CallFailure.CredentialsUnreachable, (await Refused()).Failure);
    }

    [Fact]
    public async Task Helper_that_may_not_be_run_fails()
    {
        Install($"echo '{Given}'");
        File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        Assert.Equal(CallFailure.CredentialsUnreachable, (await Refused()).Failure);
    }

    [Fact]
    public async Task Much_on_the_error_stream_holds_nobody_up()
    {
        Install($"head -c 1000000 /dev/zero >&2; echo '{Given}'");

        Assert.NotNull(await Find("registry.example.com"));
    }

    [Fact]
    public async Task Late_helper_is_ended_with_what_it_started()
    {
        Install($"sleep 1000 & echo $! > {Calls}.tmp; mv {Calls}.tmp {Calls}; wait");
        var asking = Find("registry.example.com").AsTask();
        await Eventually.Holds("the helper has started", () => File.Exists(Calls));
        var child = int.Parse((await File.ReadAllTextAsync(Calls, Cancellation)).Trim(), CultureInfo.InvariantCulture);
        Assert.True(IsRunning(child));

        _clock.Advance(Limits.CredentialHelperTime);

        Assert.Equal(CallFailure.CredentialsUnreachable, (await Assert.ThrowsAsync<CredentialsException>(() => asking)).Failure);
        await Eventually.Holds("its child has ended", () => !IsRunning(child));
    }

    [Fact]
    public async Task Answer_counts_for_five_minutes()
    {
        Install($"echo >> {Calls}; echo '{Given}'");
        await Find("registry.example.com");
        _clock.Advance(Limits.CredentialHelperLife - TimeSpan.FromSeconds(1));
        await Find("registry.example.com");
        Assert.Equal(1, CallCount);

        _clock.Advance(TimeSpan.FromSeconds(2));
        await Find("registry.example.com");

        Assert.Equal(2, CallCount);
    }

    [Fact]
    public async Task Refused_answer_is_asked_for_anew_but_once_a_second()
    {
        Install($"echo >> {Calls}; echo '{Given}'");
        await Find("registry.example.com");
        _clock.Advance(Limits.RegistryCredentialPause);
        for (var i = 0; i < 10; i++)
        {
            await Find("registry.example.com", isRefused: true);
        }

        Assert.Equal(2, CallCount);
        _clock.Advance(Limits.RegistryCredentialPause);
        await Find("registry.example.com", isRefused: true);
        Assert.Equal(3, CallCount);
    }

    [Fact]
    public async Task Failure_counts_for_a_second()
    {
        Install($"echo >> {Calls}; exit 1");
        await Refused();
        await Refused();
        Assert.Equal(1, CallCount);
        Install($"echo '{Given}'");

        _clock.Advance(Limits.RegistryCredentialPause);

        Assert.NotNull(await Find("registry.example.com"));
    }

    [Fact]
    public async Task Many_who_ask_at_once_start_it_once_and_one_who_leaves_ends_nobodys_question()
    {
        var gate = System.IO.Path.Combine(_folder.FullName, "gate");
        Install($"echo >> {Calls}; while [ ! -e {gate} ]; do sleep 0.01; done; echo '{Given}'");
        using var leaving = new CancellationTokenSource();
        var first = _store.GetAsync(RegistryCredentials.DockerConfig, "registry.example.com", false, leaving.Token).AsTask();
        await Eventually.Holds("the helper has started", () => File.Exists(Calls));
        // However long ago it began.
        _clock.Advance(Limits.RegistryCredentialPause * 2);
        var others = Enumerable.Range(0, 50).Select(index => Find("registry.example.com", isRefused: index % 2 == 0).AsTask()).ToArray();

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await File.WriteAllTextAsync(gate, "", Cancellation);

        Assert.All(await Task.WhenAll(others), Assert.NotNull);
        Assert.Equal(1, CallCount);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private int CallCount => File.ReadAllLines(Calls).Length;

    private string Program => System.IO.Path.Combine(_folder.FullName, $"docker-credential-{_name}");

    private void Write(string config) => File.WriteAllText(ConfigFile, config);

    /// <summary>
    /// Written by another process: one that a test beside this starts would for a moment hold the file open for writing, and a program
    /// that is open for writing cannot be run.
    /// </summary>
    private void Install(string script)
    {
        using var writing = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "cat > \"$1.new\" && chmod 700 \"$1.new\" && mv \"$1.new\" \"$1\"", "sh", Program]) { RedirectStandardInput = true })!;
        writing.StandardInput.Write($"#!/bin/sh\n{script}\n");
        writing.StandardInput.Close();
        writing.WaitForExit();
        Assert.Equal(0, writing.ExitCode);
    }

    private ValueTask<RegistryCredential?> Find(string host, bool isRefused = false) => _store.GetAsync(RegistryCredentials.DockerConfig, host, isRefused, Cancellation);

    private async Task<CredentialsException> Refused()
    {
        var exception = await Assert.ThrowsAsync<CredentialsException>(() => Find("registry.example.com").AsTask());
        Canary.AssertAbsent("the exception", exception.ToString());
        return exception;
    }

    private static bool IsRunning(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            // One that ended and that nobody has waited for.
            return !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is ArgumentException or IOException)
        {
            return false;
        }
    }
}
