using System.Net.Sockets;
using PolicyService.Api.Clients;
using PolicyService.Kubernetes;

try
{
    await using var application = AdapterHost.Build(args, TimeProvider.System);
    await application.StartAsync();
    // One line that scripts may wait for; everything else on standard error is a log.
    await Console.Error.WriteLineAsync($"PolicyService adapter is ready: {string.Join(", ", application.Urls)}");
    await application.WaitForShutdownAsync();
    return 0;
}
catch (Exception exception) when (exception is SettingsException or CredentialsException or IOException or SocketException)
{
    // An address in use, or one that may not be bound, beside what is set wrong.
    await Console.Error.WriteLineAsync($"PolicyService adapter does not start: {exception.Message}");
    return 2;
}
