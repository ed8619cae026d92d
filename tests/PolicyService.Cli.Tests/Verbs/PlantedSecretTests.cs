using PolicyService.Cli.Tests.Running;
using PolicyService.Tests;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>Passwords and tokens that policyctl is given for stores and servers: none is told, whatever fails.</summary>
public sealed class PlantedSecretTests : IDisposable
{
    private const string Image = "gcr.io/acme/api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private readonly Folder _folder = new();

    public static TheoryData<string> Verbs =>
    [
        "export --postgres Host=127.0.0.1;Port=1;Database=d;Username=u;Password=SECRET --policies DIR/new",
        "export --postgres Password=SECRET;;x --policies DIR/new",
        "import --postgres Host=127.0.0.1;Port=1;Database=d;Username=u;Password=SECRET --policies DIR",
        "policy history list projects/acme/policy --postgres Host=127.0.0.1;Port=1;Username=u;Password=SECRET",
        "evaluate IMAGE --cluster a.b --server http://127.0.0.1:1 --token-file FILE",
        "evaluate IMAGE --cluster a.b --server http://127.0.0.1:1",
        "evaluate IMAGE --cluster a.b --policies FILE",
        "access report --access FILE",
        "access report --access DIR/none --records FILE",
    ];

    [Theory, MemberData(nameof(Verbs))]
    public async Task Verb_that_fails_tells_no_secret(string arguments)
    {
        var file = _folder.Write("planted.secret", Canary.For("file"));
        var run = await Policyctl.RunAsync(
            [.. arguments.Split(' ').Select(word => word.Replace("SECRET", Canary.For("argument"), StringComparison.Ordinal).Replace("DIR", _folder.Path, StringComparison.Ordinal).Replace("FILE", file, StringComparison.Ordinal).Replace("IMAGE", Image, StringComparison.Ordinal))],
            new() { ["POLICYCTL_TOKEN"] = Canary.For("token") });

        Assert.NotEqual(0, run.ExitCode);
        Assert.NotEqual("", run.Error);
        Canary.AssertAbsent(arguments, run.Text + run.Error);
    }

    public void Dispose() => _folder.Dispose();
}
