using System.Globalization;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Many documents: a look-up must cost what it costs with ten. Compared with the hot server in the same run.</summary>
internal static class LargeScenarios
{
    private const int AskedImages = 1000;
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(10);

    public static async Task<PreparedScenario> RulesAsync(TestBed bed, CancellationToken cancellation)
    {
        TestImage[] images = [.. Enumerable.Range(0, AskedImages).Select(number => new TestImage(number))];
        var (projects, rules) = (bed.Plan.ManyRulesProjects, bed.Plan.RulesPerProject);
        var served = await ServedDocuments.StartAsync(
            SigningKey.P256(),
            (documents, key) =>
            {
                documents.WriteProject(key);
                documents.WriteAttestations(images, (_, payload) => key.Sign(payload), key.Id);
                Parallel.For(0, projects, project => documents.WriteRules(NameOf(project), rules));
            },
            StartTime, bed.Time, cancellation);
        // A prime step: the rules asked for are spread over all of them.
        var questions = images.Select(image => image.Ask(Verdict.Allow, RunDocuments.ClusterOf(image.Number * 7919 % rules), NameOf(image.Number % projects)));
        return await WithHotAsync(bed, served, [.. questions], $"{projects * rules} rules in {projects} projects", cancellation);
    }

    public static async Task<PreparedScenario> AttestationsAsync(TestBed bed, CancellationToken cancellation)
    {
        TestImage[] images = [.. Enumerable.Range(0, bed.Plan.ManyAttestations).Select(number => new TestImage(number))];
        var step = Math.Max(1, images.Length / AskedImages);
        // What is never asked about needs no signature of its own: it fills the memory all the same.
        byte[] filling = [];
        var served = await ServedDocuments.StartAsync(
            SigningKey.P256(),
            (documents, key) =>
            {
                filling = key.Sign([0]);
                documents.WriteProject(key);
                documents.WriteAttestations(images, (image, payload) => image.Number % step == 0 ? key.Sign(payload) : filling, key.Id);
            },
            StartTime, bed.Time, cancellation);
        var questions = images.Where(image => image.Number % step == 0).Select(image => image.Ask(Verdict.Allow));
        return await WithHotAsync(bed, served, [.. questions], $"{images.Length} attestations", cancellation);
    }

    private static async Task<PreparedScenario> WithHotAsync(TestBed bed, ServedDocuments served, Question[] questions, string what, CancellationToken cancellation) =>
        new(bed.Unary(served.Server, new RepeatedQuestions(questions)))
        {
            Hot = bed.Unary((await bed.HotAsync(cancellation)).Server, HotScenarios.Attested()),
            Notes = () => [string.Create(CultureInfo.InvariantCulture, $"{what}, ready after {served.Server.StartTime.TotalSeconds:0.0} s")],
            Owned = [served],
        };

    private static string NameOf(int project) => string.Create(CultureInfo.InvariantCulture, $"load-{project:D2}");
}
