using BenchmarkDotNet.Running;
using PolicyService.Benchmarks;

// In this process: a process for each benchmark would be built first, under the rules of this repository, which its generated code does not keep.
// `--filter '*'` runs all; `--job dry` runs each once, to see that it works.
BenchmarkSwitcher.FromAssembly(typeof(DecisionBenchmarks).Assembly).Run([.. args, "--inProcess"]);
