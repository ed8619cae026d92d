using PolicyService.Server;
using PolicyService.Server.Storage.Transfers;

try
{
    if (args is ["store", .. var operation])
    {
        return await StoreCommand.RunAsync(operation, Console.Out, Console.Error, TimeProvider.System, CancellationToken.None);
    }

    var host = ServerHost.Build(args, TimeProvider.System);
    await host.StartAsync();
    // One line that scripts may wait for; everything else on standard error is a log.
    await Console.Error.WriteLineAsync($"PolicyService is ready: gRPC {host.GrpcUrl}, HTTP {host.HttpUrl}");
    await host.Application.WaitForShutdownAsync();
    return 0;
}
catch (SettingsException exception)
{
    await Console.Error.WriteLineAsync($"PolicyService does not start: {exception.Message}");
    return 2;
}
catch (IOException exception)
{
    // An address in use, above all.
    await Console.Error.WriteLineAsync($"PolicyService does not start: {exception.Message}");
    return 2;
}
