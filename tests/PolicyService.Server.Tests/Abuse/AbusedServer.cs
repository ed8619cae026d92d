using PolicyService.Server.Tests.Process;

namespace PolicyService.Server.Tests.Abuse;

/// <summary>One service, as an operator starts it, for all attacks of a class: it has to survive them one after the other.</summary>
public sealed class AbusedServer : IAsyncLifetime
{
    public const string Evaluate = "/policyservice.v1.PolicyDecisionService/Evaluate";
    public const string Batch = "/policyservice.v1.PolicyDecisionService/EvaluateBatch";

    private readonly DocumentsFolder _documents = DocumentsFolder.Fixed("ALWAYS_DENY");
    private ServerProcess? _process;

    internal ServerProcess Process => _process!;

    internal Uri GrpcUrl => new(Process.GrpcUrl);

    internal Uri HttpUrl => Process.HttpUrl;

    public async ValueTask InitializeAsync() => _process = await ServerProcess.StartAsync(
        ["--Policies:Directory", _documents.Path, "--Audit:File", _documents.Beside("records.jsonl")],
        // Else the collector takes what the machine has, and a leak would not show: beyond 512 MiB of objects the service ends.
        new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x20000000" });

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _documents.Dispose();
    }
}
