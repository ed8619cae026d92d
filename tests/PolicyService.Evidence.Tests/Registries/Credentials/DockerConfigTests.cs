using System.Text;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Registries.Credentials;

namespace PolicyService.Evidence.Tests.Registries.Credentials;

/// <summary>What docker's config file gives to whom.</summary>
public sealed class DockerConfigTests : IDisposable
{
    private static readonly string Secret = Canary.For("docker-config");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("docker-config-");
    private readonly RegistryCredentialStore _store;

    public DockerConfigTests() => _store = new RegistryCredentialStore(new RegistrySettings { DockerConfigFile = ConfigFile }, TimeProvider.System);

    private string ConfigFile => Path.Combine(_folder.FullName, "config.secret");

    private static string Auth => Convert.ToBase64String(Encoding.UTF8.GetBytes($"user:{Secret}"));

    private static string Entry => $$$$"""{"auth": "{{{{Auth}}}}"}""";

    public static TheoryData<string, string> Matching => new()
    {
        { "registry.example.com", "registry.example.com" },
        { "https://registry.example.com", "registry.example.com" },
        { "https://registry.example.com/", "registry.example.com" },
        { "https://registry.example.com/v1/", "registry.example.com" },
        { "https://registry.example.com/v2/", "registry.example.com" },
        { "Registry.Example.com", "registry.example.com" },
        { "registry.example.com:5000", "registry.example.com:5000" },
        { "127.0.0.1:5000", "127.0.0.1:5000" },
        { "localhost:5000", "localhost:5000" },
        { "https://index.docker.io/v1/", "docker.io" },
        { "index.docker.io", "docker.io" },
        { "docker.io", "docker.io" },
    };

    public static TheoryData<string, string, string> Other => new()
    {
        { "host below it", "example.com", "registry.example.com" },
        { "host above it", "registry.example.com", "example.com" },
        { "it is a prefix", "registry.example.com", "registry.example.com.evil.com" },
        { "it is a suffix", "example.com", "evilexample.com" },
        { "another port", "registry.example.com:5000", "registry.example.com:5001" },
        { "no port", "registry.example.com", "registry.example.com:5000" },
        { "a port", "registry.example.com:5000", "registry.example.com" },
        { "one repository's", "registry.example.com/team", "registry.example.com" },
        { "a pattern", "*.example.com", "registry.example.com" },
        { "a user before the host", "https://registry.example.com@evil.com", "registry.example.com" },
        { "a user before the host", "https://registry.example.com@evil.com", "evil.com" },
    };

    public static TheoryData<string, string> Malformed => new()
    {
        { "empty", "" },
        { "no JSON", "auths" },
        { "no object", "[]" },
        { "cut off", """{"auths": {""" },
        { "duplicate key", """{"auths": {}, "auths": {}}""" },
        { "auths is no object", """{"auths": []}""" },
        { "an entry is no object", """{"auths": {"registry.example.com": "secret"}}""" },
        { "credHelpers is no object", """{"credHelpers": "pass"}""" },
        { "a helper is no name", """{"credHelpers": {"registry.example.com": "../../bin/sh"}}""" },
        { "a helper with a space", """{"credHelpers": {"registry.example.com": "pass get"}}""" },
        { "a helper in upper case", """{"credHelpers": {"registry.example.com": "Pass"}}""" },
        { "a store that is a path", """{"credsStore": "/bin/sh"}""" },
        { "a store that is a number", """{"credsStore": 1}""" },
        { "a store that is no text", """{"credsStore": "\uD800"}""" },
        { "a user that is no text", """{"auths": {"registry.example.com": {"username": "\uD800", "password": "p"}}}""" },
        { "no base64", """{"auths": {"registry.example.com": {"auth": "!"}}}""" },
        { "no colon", """{"auths": {"registry.example.com": {"auth": "dXNlcg=="}}}""" },
        { "no user", """{"auths": {"registry.example.com": {"auth": "OnNlY3JldA=="}}}""" },
        { "no UTF-8", """{"auths": {"registry.example.com": {"auth": "/zr/"}}}""" },
        { "a password that is a number", """{"auths": {"registry.example.com": {"username": "u", "password": 1}}}""" },
        { "too deep", $$$$"""{"x": {{{{new string('[', 70)}}}}{{{{new string(']', 70)}}}}}""" },
    };

    public void Dispose()
    {
        _store.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory, MemberData(nameof(Matching))]
    public async Task Host_is_found_by_its_whole_name(string key, string host)
    {
        Write($$$$"""{"auths": {"{{{{key}}}}": {{{{Entry}}}}}}""");

        Assert.Equal(new RegistryCredential("user", Secret), await Find(host));
    }

    [Theory, MemberData(nameof(Other)), Trait("attack", "81")]
    public async Task Host_is_no_other(string name, string key, string host)
    {
        Write($$$$"""{"auths": {"{{{{key}}}}": {{{{Entry}}}}}}""");

        Assert.True(await Find(host) is null, name);
    }

    [Fact]
    public async Task Entry_may_spell_user_and_password()
    {
        Write($$$$"""{"auths": {"registry.example.com": {"username": "user", "password": "{{{{Secret}}}}", "email": "u@example.com"}}}""");

        Assert.Equal(new RegistryCredential("user", Secret), await Find("registry.example.com"));
    }

    [Fact]
    public async Task Identity_token_comes_before_the_password()
    {
        Write($$$$"""{"auths": {"registry.example.com": {"auth": "{{{{Convert.ToBase64String("me:"u8)}}}}", "identitytoken": "{{{{Secret}}}}"}}}""");

        Assert.Equal(new RegistryCredential("me", Secret) { IsIdentityToken = true }, await Find("registry.example.com"));
    }

    [Fact]
    public async Task Password_may_hold_colons_and_zeros_around_it_are_not_it()
    {
        Write($$$$"""{"auths": {"registry.example.com": {"auth": "{{{{Convert.ToBase64String("u:a:b\0\0"u8)}}}}"}}}""");

        Assert.Equal(new RegistryCredential("u", "a:b"), await Find("registry.example.com"));
    }

    [Fact]
    public async Task Host_itself_comes_before_its_url()
    {
        Write($$$$"""{"auths": {"https://registry.example.com/v2/": {"username": "url", "password": "p"}, "registry.example.com": {"username": "host", "password": "p"}, "https://registry.example.com": {"username": "late", "password": "p"}}}""");

        Assert.Equal("host", (await Find("registry.example.com"))?.User);
    }

    [Fact]
    public async Task Empty_entry_is_none() => Assert.Null(await FindIn("""{"auths": {"registry.example.com": {}}}"""));

    [Fact]
    public async Task Nulls_are_nothing() => Assert.Null(await FindIn("""{"auths": null, "credHelpers": null, "credsStore": null, "HttpHeaders": {"User-Agent": "x"}}"""));

    [Fact]
    public async Task Absent_file_is_none_and_a_later_one_is_found()
    {
        Assert.Null(await Find("registry.example.com"));

        Assert.NotNull(await FindIn($$$$"""{"auths": {"registry.example.com": {{{{Entry}}}}}}"""));
    }

    [Fact]
    public async Task Changed_file_is_read_again_though_its_time_and_length_did_not_change()
    {
        var written = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        foreach (var user in (string[])["one", "two"])
        {
            Write($$$$"""{"auths": {"registry.example.com": {"username": "{{{{user}}}}", "password": "p"}}}""");
            File.SetLastWriteTimeUtc(ConfigFile, written);

            Assert.Equal(user, (await Find("registry.example.com"))?.User);
        }
    }

    [Fact]
    public async Task Kubernetes_swaps_the_link_and_the_new_content_counts()
    {
        foreach (var user in (string[])["one", "two"])
        {
            var version = Directory.CreateDirectory(Path.Combine(_folder.FullName, user));
            await File.WriteAllTextAsync(Path.Combine(version.FullName, ".dockerconfigjson"), $$$$"""{"auths": {"registry.example.com": {"username": "{{{{user}}}}", "password": "p"}}}""", Cancellation);
            var link = Path.Combine(_folder.FullName, "..data");
            File.Delete(link);
            File.CreateSymbolicLink(link, version.FullName);
            File.Delete(ConfigFile);
            File.CreateSymbolicLink(ConfigFile, Path.Combine("..data", ".dockerconfigjson"));

            Assert.Equal(user, (await Find("registry.example.com"))?.User);
        }
    }

    [Theory, MemberData(nameof(Malformed))]
    public async Task File_that_is_none_is_said_without_a_word_of_it(string name, string content)
    {
        Write(content);

        Assert.True((await Refused("registry.example.com")).Failure is CallFailure.NoCredentials, name);
    }

    [Fact]
    public async Task Malformed_entry_spoils_only_its_host()
    {
        Write($$$$"""{"auths": {"bad.example.com": {"auth": "{{{{Secret}}}}"}, "registry.example.com": {{{{Entry}}}}}}""");

        Assert.NotNull(await Find("registry.example.com"));
        Assert.Equal(CallFailure.NoCredentials, (await Refused("bad.example.com")).Failure);
    }

    [Fact]
    public async Task File_may_have_a_mebibyte_and_no_more()
    {
        var text = $$$$"""{"auths": {"registry.example.com": {{{{Entry}}}}}}""";
        Assert.NotNull(await FindIn(text.PadRight(Limits.DockerConfigBytes)));

        Write(text.PadRight(Limits.DockerConfigBytes + 1));

        Assert.Equal(CallFailure.NoCredentials, (await Refused("registry.example.com")).Failure);
    }

    [Theory]
    [InlineData(RegistryCredentials.None)]
    [InlineData(RegistryCredentials.Google)]
    [InlineData(RegistryCredentials.Ecr)]
    [InlineData(RegistryCredentials.Acr)]
    public async Task File_is_asked_only_where_the_configuration_says(RegistryCredentials kind)
    {
        Write($$$$"""{"auths": {"registry.example.com": {{{{Entry}}}}}}""");

        Assert.Null(await _store.GetAsync(kind, "registry.example.com", false, Cancellation));
    }

    [Fact]
    public void Credential_does_not_tell_its_secret() => Canary.AssertAbsent("its text", $"{new RegistryCredential("user", Secret)} {new CredentialLease(new RegistryCredential("user", Secret), default)}");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private void Write(string content) => File.WriteAllText(ConfigFile, content);

    private async Task<RegistryCredential?> FindIn(string content)
    {
        Write(content);
        return await Find("registry.example.com");
    }

    private ValueTask<RegistryCredential?> Find(string host) => _store.GetAsync(RegistryCredentials.DockerConfig, host, isRefused: false, Cancellation);

    private async Task<CredentialsException> Refused(string host)
    {
        var exception = await Assert.ThrowsAsync<CredentialsException>(() => Find(host).AsTask());
        Canary.AssertAbsent("the exception", exception.ToString());
        return exception;
    }
}
