using PolicyService.Cli.Outputs;
using PolicyService.Cli.Verbs;

return await VerbRunner.RunAsync(args, Terminal.OfProcess());
