using PolicyService.Cli.Verbs;

return await VerbRunner.RunAsync(args);
