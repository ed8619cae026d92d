using PolicyService.Server;
using PolicyService.Server.Storage.Transfers;

try
{
    if (args is ["store", .. var operation])
    {
        return await StoreCommand.RunAsync(operation, Console.Out, Console.Error, TimeProvider.System, CancellationToken.None);
    }

    return await ServerHost.Build(args, TimeProvider.System).RunAsync(Console.Error);
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
