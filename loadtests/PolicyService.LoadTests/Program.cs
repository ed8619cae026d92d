using PolicyService.LoadTests;

return await LoadTestCommand.RunAsync(args, Console.Out, Console.Error, TimeProvider.System);
