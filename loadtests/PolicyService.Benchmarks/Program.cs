using BenchmarkDotNet.Running;

// `-- --filter '*'` runs all, `--job dry` each once, to see that they work.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
